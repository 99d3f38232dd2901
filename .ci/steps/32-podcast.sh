# A channel of voices as a podcast, by a real podcast parser and real ffmpeg.
. .ci/lib.sh

podcast() {
    python_packages && node_packages podcast-partytime && NODE_LIBRARIES=$PWD/$CI_WORK/node drive .ci/podcast.py
}

if need ffmpeg; then
    step "podcast" podcast
else
    skip "podcast" "ffmpeg cannot be installed here"
fi
