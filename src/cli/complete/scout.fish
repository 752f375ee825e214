# Completion of scout for fish: scout completions fish | source

function __scout_complete
    set --local words (commandline --current-process --tokenize --cut-at-cursor)
    $words[1] complete fish $words (commandline --current-token --cut-at-cursor) 2>/dev/null
end

complete --command scout --no-files --keep-order --arguments '(__scout_complete)'
