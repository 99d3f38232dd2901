# Twenty seconds of fuzzing for each target; docs/fuzzing.md has the longer form.
if cargo fuzz --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-fuzz; then
    for target in page_to_feed config request journal; do
        mkdir -p "fuzz/corpus/$target"
        step "fuzz $target" cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
            -max_total_time=20 -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1
    done
else
    skip "fuzzing" "cargo-fuzz cannot be installed"
fi
