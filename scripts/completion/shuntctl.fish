# Fish completion for shuntctl: what bash's offers, asked of it, so that there is one list of verbs and options.

function __shuntctl_complete
    set -l script /usr/share/bash-completion/completions/shuntctl
    set -q SHUNT_COMPLETION_PATH; and set script $SHUNT_COMPLETION_PATH
    bash -c 'source "$1"; COMP_WORDBREAKS=; COMP_LINE=$2 COMP_POINT=${#2}; _shuntctl; printf "%s\n" "${COMPREPLY[@]}"' \
        bash $script (commandline -cp) 2>/dev/null | string match -rv '^$'
end

complete -c shuntctl -f -a '(__shuntctl_complete)'
