# The schedule against fixed intervals and one that knows everything; a week of 1,000 channels with all its troubles.
fresher() { # fresher SEED POSTS_PER_DAY
    cargo run --quiet --release --example freshness -- --seed "$1" --rate "$2" --svg "$CI_WORK/freshness.svg"
}

step "posts are seen soon" fresher 1 15
step "posts are seen soon: another seed and rate" fresher 3 5
step "a week of 1,000 channels" timeout 600 cargo run --quiet --release --example week
