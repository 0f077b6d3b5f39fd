# What both clients' scripts begin with. A line "@@ name value" on the console is for the test.

say() { echo "@@ $*"; }

# check NAME COMMAND...: says the command's exit status, and shows its output when it failed.
check() {
    name=$1
    shift
    "$@" >/tmp/output 2>&1
    status=$?
    [ $status -eq 0 ] || cat /tmp/output
    say "$name" $status
}

# Reads from the disk what is there, not what the guest remembers.
forget() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
}

digest() {
    forget
    sha256sum /dev/vda | cut -d' ' -f1
}

# Counts this guest's boots on its disk. The counter is a sector of digits; what was there before the first boot has
# another word in front.
count_boots() {
    read -r word boots <<END
$(dd if=/dev/vda bs=512 count=1 2>/dev/null | tr -d '\0' | head -n 1)
END
    [ "$word" = boots ] || boots=0
    boots=$((boots + 1))
    echo "boots $boots" | dd of=/dev/vda bs=512 count=1 conv=notrunc,sync,fsync 2>/dev/null
    say boots $boots
}

uptime_s() { cut -d. -f1 /proc/uptime; }

sectors=$(cat /sys/block/vda/size)
say size "$sectors"
