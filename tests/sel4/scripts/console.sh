# A shell that a test types into: each line is a command, whose output is to be seen on this console.
name=$(cat /test/name)
echo "@@ up $name"
while printf '%s# ' "$name" && read -r line; do
    case $line in
        flood) (while :; do cat /proc/kallsyms; done) & flood=$! ;;
        calm) kill "$flood"; wait "$flood" 2>/dev/null; echo "@@ calm" ;;
        again) reboot -f ;;
        echo\ *) echo "@@ heard ${line#echo }" ;;
        *) eval "$line" ;;
    esac
done
