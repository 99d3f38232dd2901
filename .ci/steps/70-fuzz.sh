# A fixed number of fuzzing runs for each target, from a fixed seed, so that a failure is one of the change at hand;
# docs/fuzzing.md has the longer form, which looks further each time.
if cargo fuzz --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-fuzz; then
    for target in page_to_feed:10000 config:200000 request:200000 journal:40000; do
        corpus=$(mktemp -d)
        step "fuzz ${target%:*}" cargo fuzz run --sanitizer none "${target%:*}" "$corpus" "fuzz/seeds/${target%:*}" -- \
            -seed=1 "-runs=${target#*:}" -timeout=60 -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1
        rm -r "$corpus"
    done
else
    skip "fuzzing" "cargo-fuzz cannot be installed"
fi
