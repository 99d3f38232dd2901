# Kept films and voices in Debian's Chromium and in podcatchers, with upstream gone.
players() {
    need ffmpeg newsboat && python_packages && drive .ci/players.py target/pages/modules
}
if pages_ready; then
    step "players and podcatchers" players
else
    skip "players and podcatchers" "chromium, node or its modules cannot be had"
fi
