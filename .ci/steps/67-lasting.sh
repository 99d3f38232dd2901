# Files whose addresses die within seconds, for a while, in both ways of giving them addresses of our own.
# The long form: python .ci/lasting.py 600 60 300
step "files that last" drive .ci/lasting.py 20 10 60
