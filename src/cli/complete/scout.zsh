#compdef scout
# Completion of scout for zsh: source <(scout completions zsh), or this as _scout in $fpath

_scout() {
    local line value
    local -a open open_shown whole whole_shown
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        if [[ $value == *[/:,] ]]; then
            open+=("$value") open_shown+=("${line//$'\t'/  -- }")
        else
            whole+=("$value") whole_shown+=("${line//$'\t'/  -- }")
        fi
    done < <("${(Q)words[1]}" complete zsh "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    (( $#open )) && compadd -S '' -l -d open_shown -a open
    (( $#whole )) && compadd -V whole -l -d whole_shown -a whole
    (( $#open + $#whole ))
}

if [[ ${funcstack[1]} == _scout ]]; then
    _scout "$@"
else
    compdef _scout scout
fi
