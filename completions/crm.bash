# Completion of crm(1) for bash: verbs, second words, options, files, kinds and
# fields.  Everything is asked of crm itself, so that it never lags behind.
# Put it into /usr/share/bash-completion/completions/crm, or source it.

_crm_verbs()
{
    crm help 2>/dev/null | sed -n 's/^  \([a-z][a-z ]*[a-z]\)  .*/\1/p'
}

_crm()
{
    local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} file=${COMP_WORDS[2]} kind=${COMP_WORDS[3]}
    local before=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_crm_verbs | cut -d ' ' -f 1 | sort -u)" -f -- "$word")
        return
    fi
    if [ "$verb" = help ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_crm_verbs)" -- "$word")
        return
    fi
    case $word in
    -*)
        mapfile -t COMPREPLY < <(compgen -W "$(crm "$verb" --help 2>/dev/null | grep -o '^  --[a-z-]*')" -- "$word")
        return
        ;;
    esac
    case $before in
    --format) mapfile -t COMPREPLY < <(compgen -W 'table csv json jsonl' -- "$word") && return ;;
    --where | --order | --columns | --by | --match)
        mapfile -t COMPREPLY < <(compgen -W "$(crm schema "$file" "$kind" --format csv 2>/dev/null | tail -n +2 |
            cut -d , -f 1)" -- "$word")
        return
        ;;
    esac
    if [ "$COMP_CWORD" = 3 ]; then
        local second
        second=$(_crm_verbs | sed -n "s/^$verb //p")
        if [ -n "$second" ]; then
            mapfile -t COMPREPLY < <(compgen -W "$second" -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -W "$(crm schema "$file" --format csv 2>/dev/null | tail -n +2 |
                cut -d , -f 1)" -- "$word")
        fi
        return
    fi
    case $verb in
    add | set)
        compopt -o nospace
        mapfile -t COMPREPLY < <(compgen -S = -W "$(crm schema "$file" "$kind" --format csv 2>/dev/null |
            tail -n +2 | cut -d , -f 1)" -- "$word")
        return
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -o default -F _crm crm
