# Reads what is at a path, for hosts without SFTP. It is one of Scout's own scripts: every value comes
# in a variable. Records end with NUL: whether it cannot be read (u), depth, how the mode is written,
# mode, size, time, owner, group, name; behind the entries of a directory, how its reading ended. Of a file the name is where in it the bytes behind begin.
# Only what is a regular file is opened, a FIFO or device never.
LC_ALL=C; export LC_ALL
p=$SCOUT_PATH o=$SCOUT_OFFSET n=$SCOUT_COUNT d=$SCOUT_DEPTH

# Mode, size, time, owner and group of $2; $1 is -L where links are followed.
about() {
if s=$(stat $1 -c 'x %f %s %Y %u %g' -- "$2" 2>/dev/null); then :
elif s=$(stat $1 -f 'x %Xp %z %m %u %g' -- "$2" 2>/dev/null); then :
else set -- $(ls -ldn $1 -- "$2" 2>/dev/null); s="L ${1:-?} ${5:-?} ? ${3:-?} ${4:-?}"
fi
printf '%s' "$s"
}

# A directory and what is below it, for hosts whose find has no -printf.
walk() (
cd -- "$1" || exit
for f in * .[!.]* ..?*; do
[ -e "$f" ] || [ -L "$f" ] || continue
u=- s=
if [ -d "$f" ] && ! [ -L "$f" ]; then
s=1
[ -r "$f" ] && [ -x "$f" ] || u=u
fi
printf '%s %s %s %s\0' "$u" "$2" "$(about '' "$f")" "$3$f"
[ "$s" ] && [ "$2" -lt "$d" ] && walk "./$f" $(($2 + 1)) "$3$f/"
done
:
)

entries() {
if find . -maxdepth 0 -printf '' -readable; then
find -H "$p" -mindepth 1 -maxdepth "$d" \( -type d \( ! -readable -o ! -executable \) -printf u -o -printf - \) -printf ' %d %y %m %s %T@ %U %G %P\0'
else walk "$p" 1 ''
fi 2>/dev/null
printf 'end %s\0' $?
}

cut() {
if head -c 0 </dev/null; then head -c "$1"
else cat
fi 2>/dev/null
}

if [ -d "$p" ]; then
[ -r "$p" ] && [ -x "$p" ] || { ls -- "$p" >/dev/null; exit 1; }
printf '%s\0' "- 0 $(about -L "$p") ."
entries | cut "$SCOUT_MOST"
elif [ -f "$p" ]; then
a=$(about -L "$p")
exec <"$p" || exit 1
if [ "$SCOUT_TAIL" ]; then
s=$(wc -c <"$p") && s=$((s))
case $a in x*) set -- $a; s=$3 ;; esac
o=$((s > n - 1 ? s - n + 1 : 0))
fi
# What is printed begins here, and may go on behind what was asked for.
if head -c 0 </dev/null 2>/dev/null; then
printf '%s\0' "- 0 $a $o"
[ "$o" = 0 ] && exec head -c "$n"
tail -c +$((o + 1)) | head -c "$n"
else
printf '%s\0' "- 0 $a $((o / 4096 * 4096))"
exec dd bs=4096 skip=$((o / 4096)) count=$(((o % 4096 + n + 4095) / 4096)) 2>/dev/null
fi
else
[ -e "$p" ] || { ls -ldL -- "$p" >/dev/null; exit 1; }
printf '%s\0' "- 0 $(about -L "$p") ."
fi
