# SPDX-License-Identifier: BSD-2-Clause
# Completion of rollcall(8) for bash.

_rollcall() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]-}
    local options="--json --help"
    local verbs="status user sync source enroll code reset-factor forget vouch lock unlock approve expect lease fleet recover check-config explain
        reload audit report doctor adopt setup breakglass"
    COMPREPLY=()

    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$verbs version help" -- "$word")
        return
    fi
    case $before in
    --config | --hr)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --mode)
        mapfile -t COMPREPLY < <(compgen -W "observe enforce" -- "$word")
        return
        ;;
    --from)
        mapfile -t COMPREPLY < <(compgen -W "files sss" -- "$word")
        return
        ;;
    --type)
        mapfile -t COMPREPLY < <(compgen -W "csv exec ldap graph okta json scim pingone" -- "$word")
        return
        ;;
    --set) return ;;
    --reason | --since | --until | --for | --label | --allow | --admins | --contact | --codes) return ;;
    esac
    case $verb in
    user) options="$options --why" ;;
    source) options="$options --dropped --trace --type --set" ;;
    lock) options="$options --reason --dry-run" ;;
    enroll) options="$options --replace --label --pin --attested" ;;
    reset-factor) options="$options --label" ;;
    vouch) options="$options --withdraw" ;;
    expect) options="$options --until" ;;
    code) options="$options --for" ;;
    lease) options="$options --for --reason" ;;
    recover) options="$options --clock" ;;
    check-config) options="$options --config" ;;
    report) options="$options --since" ;;
    breakglass) options="$options --codes --yes" ;;
    adopt) options="$options --from --apply --new-ids --undo" ;;
    setup) options="$options --mode --yes --dry-run --undo --no-start --hr --allow --admins --contact" ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    case $verb:$COMP_CWORD in
    user:2 | lock:2 | unlock:2 | code:2 | reset-factor:2 | forget:2 | vouch:2 | enroll:3)
        mapfile -t COMPREPLY < <(compgen -u -- "$word")
        ;;
    enroll:2) mapfile -t COMPREPLY < <(compgen -W "totp fido2" -- "$word") ;;
    source:2) mapfile -t COMPREPLY < <(compgen -W "show run test add" -- "$word") ;;
    source:3) mapfile -t COMPREPLY < <(compgen -W "$(sed -n 's/^ *\[source  *\([^]]*\)\].*/\1/p' /etc/rollcall/rollcall.conf /etc/rollcall/conf.d/*.conf 2>/dev/null)" -- "$word") ;;
    expect:2) mapfile -t COMPREPLY < <(compgen -W "leavers" -- "$word") ;;
    lease:2) mapfile -t COMPREPLY < <(compgen -W "extend" -- "$word") ;;
    breakglass:2) mapfile -t COMPREPLY < <(compgen -W "seal status close ack" -- "$word") ;;
    audit:2) mapfile -t COMPREPLY < <(compgen -W "verify" -- "$word") ;;
    help:2) mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word") ;;
    esac
}
complete -F _rollcall rollcall
