#compdef shuntctl
# Zsh completion for shuntctl: what bash's offers, asked of it, so that there is one list of verbs and options.

_shuntctl() {
  local script=${SHUNT_COMPLETION_PATH:-/usr/share/bash-completion/completions/shuntctl}
  local -a offered
  offered=("${(@f)$(bash -c 'source "$1"; COMP_WORDBREAKS=; COMP_LINE=$2 COMP_POINT=${#2}; _shuntctl
printf "%s\n" "${COMPREPLY[@]}"' bash $script "$LBUFFER" 2>/dev/null)}")
  compadd -- ${offered:#}
}

_shuntctl "$@"
