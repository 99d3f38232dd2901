# The real daemon, killed, without power, on rotten, full and unwritable disks, under a clock that jumps.
# The long forms, and what they found, are in docs/reliability.md.

survives() { # survives NAME PROGRAM ARGUMENTS...: a step, or a skip where the program says that it cannot run here
    local name=$1 said
    shift
    if ! said=$(python3 "$@" 2>&1); then
        echo "$said" | tail -n 20
        step "$name" false
    elif [[ $said == skipped:* ]]; then
        skip "$name" "${said#skipped: }"
    else
        echo "$said"
        step "$name" true
    fi
}

# The control: on a disk that lies about its syncs, the same run must find a loss.
power_loss_bites() {
    ! python3 .ci/survive/crash.py target/debug/feedbridge --cycles 10 --power-loss "$shim" --lying-disk >"$shim.log" 2>&1 &&
        grep -q "acknowledged, but not in the journal" "$shim.log"
}

step "build the daemon" cargo build
survives "kill -9" .ci/survive/crash.py target/debug/feedbridge --cycles 40
shim=$(mktemp --suffix=.so)
if cc -shared -fPIC -O2 -o "$shim" tests/powerloss/shim.c -ldl -lpthread 2>/dev/null; then
    survives "power loss" .ci/survive/crash.py target/debug/feedbridge --cycles 15 --power-loss "$shim"
    step "power loss: the control" power_loss_bites
    survives "files: power loss" .ci/survive/media.py target/debug/feedbridge --cycles 6 --power-loss "$shim"
else
    skip "power loss" "no C compiler"
fi
rm -f "$shim" "$shim.log"
survives "files: kill -9" .ci/survive/media.py target/debug/feedbridge --cycles 10
survives "files: quota" .ci/survive/media.py target/debug/feedbridge --cycles 3 --quota 3000000
survives "files: full disk" .ci/survive/media.py target/debug/feedbridge --cycles 2 --room 4000000
survives "flipped bits" .ci/survive/flip.py target/debug/feedbridge --places 8
survives "full and unwritable disk" .ci/survive/disk.py target/debug/feedbridge 1
need faketime || true # The program says so itself.
survives "clock" .ci/survive/clock.py target/debug/feedbridge
