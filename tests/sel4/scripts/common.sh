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

uptime_s() { cut -d. -f1 /proc/uptime; }

sectors=$(cat /sys/block/vda/size)
say size "$sectors"
