# Real feed readers: each subscribes, then sees a new post, an edit and a 304.
. .ci/lib.sh

readers() {
    need newsboat rss2email sfeed curl &&
        python_packages feedparser reader sgmllib3k && # reader uses the last without saying so
        node_packages rss-parser feedsmith &&
        cargo build --quiet --example read_feed &&
        NODE_LIBRARIES=$PWD/$CI_WORK/node drive .ci/readers.py
}
step "feed readers" readers
