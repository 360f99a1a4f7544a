# Bash completion for shuntctl: verbs, options, and the live names of services and reals. Source it, or install it as
# /usr/share/bash-completion/completions/shuntctl.

_shuntctl_options() {
  local common="-s --socket --server --ca --cert --key -o --output --timeout --exact -h --help"
  case "$1" in
    "service list") echo "--stats --rate $common" ;;
    "conn list") echo "--service --real --client --limit $common" ;;
    apply) echo "-f --file --dry-run --expect-revision $common" ;;
    diff) echo "-f --file $common" ;;
    history) echo "--limit $common" ;;
    "history show") echo "--state $common" ;;
    rollback) echo "--dry-run --expect-revision $common" ;;
    "real set-weight") echo "--for --expect-revision $common" ;;
    "access add") echo "-f --file --new --dry-run --expect-revision $common" ;;
    "service add" | "service update" | "snat add" | "snat update" | "access remove") echo "-f --file --dry-run --expect-revision $common" ;;
    "service remove" | "real remove" | "snat remove" | "access delete") echo "--dry-run --expect-revision $common" ;;
    "real add") echo "--weight --upper-threshold --lower-threshold --name --sorry --dry-run --expect-revision $common" ;;
    "real update") echo "--weight --upper-threshold --lower-threshold --dry-run --expect-revision $common" ;;
    "real drain") echo "--undo --wait --deadline --then --for --expect-revision $common" ;;
    "real clear") echo "--expect-revision $common" ;;
    top) echo "--once $common" ;;
    stats) echo "-w --watch --reals --interval --count $common" ;;
    events) echo "-w --watch --after --new $common" ;;
    explain) echo "--port $common" ;;
    doctor) echo "--all --watch $common" ;;
    trace) echo "--vip --client --count $common" ;;
    "import ipvsadm") echo "-n --numeric $common" ;;
    "import dpvs") echo "-n --numeric -i --config-id $common" ;;
    "import keepalived") echo "-i --config-id $common" ;;
    "export ipvsadm") echo "-f --file $common" ;;
    capture) echo "-w --write --filter --port --direction --count --duration --snap-length $common" ;;
    *) echo "$common" ;;
  esac
}

_shuntctl_verbs() {
  case "$1" in
    "") echo "status version service conn apply diff get check history rollback real overrides drops workers ports access snat events stats top explain trace capture doctor import export" ;;
    service) echo "list add update remove" ;;
    conn) echo "list" ;;
    snat) echo "list add update remove" ;;
    access) echo "list add remove delete" ;;
    history) echo "show" ;;
    import) echo "ipvsadm keepalived dpvs" ;;
    export) echo "ipvsadm" ;;
    real) echo "add update remove set-weight drain clear" ;;
  esac
}

# Words that can stand at the cursor, one a line, for the verb and the number of arguments that it already has.
_shuntctl_arguments() {
  local verb=$1 count=$2 first=$3
  shift 3
  case "$verb:$count" in
    "service list:0" | stats:* | "service remove:0" | real\ *:0) "$@" __complete services 2>/dev/null ;;
    "real set-weight:1" | "real drain:1" | "real clear:1" | "real update:1" | "real remove:1") "$@" __complete reals "$first" 2>/dev/null ;;
    check:0 | import\ *:0 | "import dpvs":*) echo "<file>" ;;
    explain:2) echo "tcp udp sctp" ;;
  esac
}

_shuntctl() {
  # From the line itself: readline would split a real's ADDRESS:PORT at its colons.
  local line=${COMP_LINE:0:COMP_POINT} words cur previous
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  cur=${words[-1]}
  previous=${words[-2]-}

  local -a ask=("${words[0]}") arguments=()
  local verb="" service="" i
  for ((i = 1; i < ${#words[@]} - 1; ++i)); do
    case "${words[i]}" in
      -s | --socket | --server | --ca | --cert | --key) ask+=("${words[i]}" "${words[++i]}") ;;
      --service) service=${words[++i]} ;;
      -o | --output | --timeout | -f | --file | --expect-revision | --real | --client | --limit | --after) ((++i)) ;;
      --port | --vip | --count | --write | --filter | --direction | --duration | --snap-length) ((++i)) ;;
      --weight | --upper-threshold | --lower-threshold | --name | --config-id | --deadline | --then | --for) ((++i)) ;;
      -*) ;;
      *)
        if [[ -n $(_shuntctl_verbs "$verb") ]]; then
          verb=${verb:+$verb }${words[i]}
        else
          arguments+=("${words[i]}")
        fi
        ;;
    esac
  done

  local candidates
  case "$previous" in
    -s | --socket | --ca | --cert | --key | -f | --file | --write) candidates="<file>" ;;
    --direction) candidates="in out" ;;
    --then) candidates="leave reset reschedule" ;;
    -o | --output) candidates="table json" ;;
    --service) candidates=$("${ask[@]}" __complete services 2>/dev/null) ;;
    --real) candidates=${service:+$("${ask[@]}" __complete reals "$service" 2>/dev/null)} ;;
    --server | --timeout | --expect-revision | --client | --limit | --after) candidates="" ;;
    --port | --vip | --count | --filter | --duration | --snap-length) candidates="" ;;
    --weight | --upper-threshold | --lower-threshold | --name | --config-id | --deadline | --for) candidates="" ;;
    *)
      if [[ $cur == -* ]]; then
        candidates=$(_shuntctl_options "$verb")
      elif candidates=$(_shuntctl_verbs "$verb") && [[ -z $candidates ]]; then
        candidates=$(_shuntctl_arguments "$verb" "${#arguments[@]}" "${arguments[0]-}" "${ask[@]}")
      fi
      ;;
  esac

  if [[ $candidates == "<file>" ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    compopt -o filenames 2>/dev/null
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$cur")
  # What stands before the last colon is already a finished word to readline.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local finished=${cur%"${cur##*:}"}
    COMPREPLY=("${COMPREPLY[@]#"$finished"}")
  fi
}

complete -F _shuntctl shuntctl
