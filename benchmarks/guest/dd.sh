# Writes and reads one request after the other, and says "@@ rate DIRECTION BLOCK_BYTES COUNT SECONDS" of each.
[ "$(cat /test/role)" = busy ] || { echo "@@ idle -"; while :; do sleep 1000; done; }

now() { cut -d' ' -f1 /proc/uptime; }

# rate DIRECTION BLOCK_BYTES COUNT OPTIONS...
rate() {
    direction=$1 bytes=$2 count=$3
    shift 3
    start=$(now)
    dd bs="$bytes" count="$count" "$@" 2>/dev/null
    echo "@@ rate $direction $bytes $count $(awk "BEGIN { print $(now) - $start }")"
}

sleep 2
while read -r bytes count; do
    rate write "$bytes" "$count" if=/dev/zero of=/dev/vda oflag=direct conv=notrunc
    rate read "$bytes" "$count" if=/dev/vda of=/dev/null iflag=direct
done </test/loads
echo "@@ done -"
while :; do sleep 1000; done
