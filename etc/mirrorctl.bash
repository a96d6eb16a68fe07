# Completion of mirrorctl(1) for bash: verbs, options, and the names of groups and targets, which a
# running daemon is asked for.

_mirrorctl_names() { # WORDS... : a line for each GROUP and GROUP/TARGET
  local -a address=()
  local line group='' name previous=''
  for name in "$@"; do
    case $previous in
      --bus | -H | --host) address+=("$previous" "$name") ;;
    esac
    case $name in
      --bus=* | --host=*) address+=("$name") ;;
    esac
    previous=$name
  done
  # Groups begin their line, targets are indented by two blanks, what is said of them by four.
  "${words[0]}" "${address[@]}" status 2>/dev/null </dev/null | while IFS= read -r line; do
    case $line in
      '    '* | '') ;;
      '  '*)
        name=${line#  }
        printf '%s/%s\n' "$group" "${name%%  *}"
        ;;
      *)
        group=${line%%  *}
        printf '%s\n' "$group"
        ;;
    esac
  done
}

_mirrorctl() {
  local verbs='status monitor sync wait verify pause resume reload check explain doctor metrics import-lsyncd'
  local common='--bus -H --host --help'
  local line=${COMP_LINE:0:COMP_POINT} verb='' cur word previous=''
  local -a words
  # Not COMP_WORDS: names hold colons, which it is split at.
  read -ra words <<<"$line"
  cur=''
  if [[ $line != *[[:space:]] ]]; then
    cur=${words[-1]}
    unset 'words[-1]'
  fi
  for word in "${words[@]:1}"; do
    case $previous in
      --bus | -H | --host | --config-dir | --timeout | --user) ;;
      *) if [[ ! $verb && $word != -* ]]; then verb=$word; fi ;;
    esac
    previous=$word
  done

  local options=$common
  local -a choices=()
  case $verb in
    '') options="$common --json --version" choices=($verbs) ;;
    status | verify) options="$common --json" ;;
    sync) options="$common --full --wait --approve-deletes" ;;
    wait) options="$common --timeout" ;;
    check) options='--config-dir --help' ;;
    explain) options="$common --json" ;;
    doctor) options='--bus --json --trust --config-dir --help' ;;
    import-lsyncd) options='--user --help' ;;
  esac
  case $previous in
    --bus) choices=(system user) ;;
    --config-dir | -H | --host | --timeout) choices=() ;;
    *)
      if [[ $cur == -* ]]; then
        choices=($options)
      else
        case $verb in
          status | monitor | sync | wait | verify | pause | resume | doctor)
            mapfile -t choices < <(_mirrorctl_names "${words[@]:1}")
            ;;
          explain)
            [[ $previous != explain ]] ||
              mapfile -t choices < <(_mirrorctl_names "${words[@]:1}" | grep -v /)
            ;;
        esac
      fi
      ;;
  esac

  # Not compgen -W: it expands its words, and names are whatever the daemon says.
  local choice quoted
  COMPREPLY=()
  for choice in "${choices[@]}"; do
    printf -v quoted %q "$choice"
    [[ $choice != "$cur"* && $quoted != "$cur"* ]] || COMPREPLY+=("$quoted")
  done
  # bash replaces only what stands behind the last colon.
  if [[ $cur == *:* ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${cur%:*}:"}")
  fi
}

# What is not completed here (paths) is completed as file names.
complete -o default -F _mirrorctl mirrorctl
