# For kernels that show nothing: what happened stands on the disk. Its first sector is a line of words; behind it, at
# each MiB from the first, is noise of a boot or a round with its digest in the line.
# Argument in /test/reboots: how often this guest boots before it stays.
. /test/common

reboots=$(cat /test/reboots)
read -r word count bad rest <<END
$(dd if=/dev/vda bs=512 count=1 2>/dev/null | tr -d '\0' | head -n 1)
END
[ "$word" = diary ] || { count=0; bad=0; rest=; }

# note COUNT BAD DIGEST
note() { echo "diary $1 $2 $3" | dd of=/dev/vda bs=512 count=1 conv=notrunc,sync,fsync 2>/dev/null; }

# page NUMBER: compares what the last one left, and leaves another.
page() {
    forget
    if [ "$count" -gt 0 ]; then
        was=$(dd if=/dev/vda bs=1M skip=$((1 + count % 4)) count=1 2>/dev/null | sha256sum | cut -d' ' -f1)
        [ "$was" = "$rest" ] || bad=$((bad + 1))
    fi
    count=$((count + 1))
    head -c 1024k /dev/urandom >/tmp/noise
    dd if=/tmp/noise of=/dev/vda bs=1M seek=$((1 + count % 4)) conv=notrunc,fsync 2>/dev/null || bad=$((bad + 1))
    rest=$(sha256sum /tmp/noise | cut -d' ' -f1)
    note $count $bad "$rest"
}

page
[ $count -ge "$reboots" ] || reboot -f
while :; do
    page
    sleep 1
done
