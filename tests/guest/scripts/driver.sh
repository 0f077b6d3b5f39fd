# The driver VM: the host plays the VMM and the virtualiser around it.

say() { echo "@@ $*"; }

for device in /sys/class/uio/uio*; do
    say uio "$(cat "$device/name") $(ls -d "$device"/maps/map* | wc -l)"
done

# The page of io addresses is another build's, and then this one's.
/uio_block_driver --list >/tmp/output 2>&1
say differing-page $? "$(head -n 1 /tmp/output)"
say publish
read -r _
/uio_block_driver --list >/tmp/output 2>&1
status=$?
while read -r line; do
    say list "$line"
done </tmp/output
say listed $status

for engine in io_uring threads; do
    /uio_block_driver --engine $engine >/tmp/output 2>&1 &
    driver=$!
    say "started-$engine"
    read -r _
    kill -TERM $driver
    wait $driver
    status=$?
    while read -r line; do
        say output "$line"
    done </tmp/output
    say "ended-$engine" $status
    read -r _
done
