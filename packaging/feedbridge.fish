# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_feedbridge_global_optspecs
    string join \n config= h/help V/version
end

function __fish_feedbridge_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_feedbridge_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_feedbridge_using_subcommand
    set -l cmd (__fish_feedbridge_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c feedbridge -n "__fish_feedbridge_needs_command" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_needs_command" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -s V -l version -d 'Print version'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "serve" -d 'Run the daemon: poll, store and serve. The default'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "fetch" -d 'Poll a channel once and print its feed; the store is not touched'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "backfill" -d 'Fetch a channel\'s older posts now, while no daemon runs. What is done stays done when it is interrupted'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "add" -d 'Add channels to the configuration; a running daemon takes them up by itself'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "remove" -d 'Take channels out of the configuration; what is stored of them stays'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "list" -d 'Print the channels of the configuration with the addresses of their feeds'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "health" -d 'Ask the running daemon how it is; exits with 0 for ok, 1 for degraded, 2 for down'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "media" -d 'Look after the files of posts that are kept here'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "check" -d 'Check the configuration and the store, and say what is wrong'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "show" -d 'Print a stored post with all its revisions'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "export" -d 'Print the stored posts with all their revisions as JSON lines'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "import" -d 'Take posts from an export into the store; or print the lines to configure for the channels of an OPML file'
complete -c feedbridge -n "__fish_feedbridge_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand serve" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand serve" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand fetch" -l format -r -f -a "rss\t''
atom\t''
json\t''"
complete -c feedbridge -n "__fish_feedbridge_using_subcommand fetch" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand fetch" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand backfill" -l since -d 'Back to this day (UTC), as in 2024-12-31; else as far as the configuration says, or all' -r
complete -c feedbridge -n "__fish_feedbridge_using_subcommand backfill" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand backfill" -l all -d 'Back to the channel\'s beginning'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand backfill" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand add" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand add" -l offline -d 'Do not look at the channels on Telegram first'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand add" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand remove" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand remove" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand list" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand list" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand health" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand health" -l live -d 'Exit with 0 unless it is down, for who restarts what fails'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand health" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and not __fish_seen_subcommand_from stats prune verify fetch help" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and not __fish_seen_subcommand_from stats prune verify fetch help" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and not __fish_seen_subcommand_from stats prune verify fetch help" -f -a "stats" -d 'Print how many files are kept, and how many bytes'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and not __fish_seen_subcommand_from stats prune verify fetch help" -f -a "prune" -d 'Let go what is beyond the quota or unused for too long, and what nothing leads to; while no daemon runs'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and not __fish_seen_subcommand_from stats prune verify fetch help" -f -a "verify" -d 'Read every file that is kept, and say what is not what it was'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and not __fish_seen_subcommand_from stats prune verify fetch help" -f -a "fetch" -d 'Fetch all files of a channel\'s stored posts; dead addresses are renewed from the posts\' own pages; while no daemon runs'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and not __fish_seen_subcommand_from stats prune verify fetch help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from stats" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from prune" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from verify" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from fetch" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from fetch" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from help" -f -a "stats" -d 'Print how many files are kept, and how many bytes'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Let go what is beyond the quota or unused for too long, and what nothing leads to; while no daemon runs'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Read every file that is kept, and say what is not what it was'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from help" -f -a "fetch" -d 'Fetch all files of a channel\'s stored posts; dead addresses are renewed from the posts\' own pages; while no daemon runs'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand media; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand check" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand check" -l show -d 'Print every setting in force instead, and where it comes from: the file, the environment, or the default'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand check" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand show" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand show" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand export" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand export" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand import" -l config -d 'The configuration file' -r -F
complete -c feedbridge -n "__fish_feedbridge_using_subcommand import" -s h -l help -d 'Print help'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "serve" -d 'Run the daemon: poll, store and serve. The default'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "fetch" -d 'Poll a channel once and print its feed; the store is not touched'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "backfill" -d 'Fetch a channel\'s older posts now, while no daemon runs. What is done stays done when it is interrupted'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "add" -d 'Add channels to the configuration; a running daemon takes them up by itself'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "remove" -d 'Take channels out of the configuration; what is stored of them stays'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "list" -d 'Print the channels of the configuration with the addresses of their feeds'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "health" -d 'Ask the running daemon how it is; exits with 0 for ok, 1 for degraded, 2 for down'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "media" -d 'Look after the files of posts that are kept here'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "check" -d 'Check the configuration and the store, and say what is wrong'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "show" -d 'Print a stored post with all its revisions'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "export" -d 'Print the stored posts with all their revisions as JSON lines'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "import" -d 'Take posts from an export into the store; or print the lines to configure for the channels of an OPML file'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and not __fish_seen_subcommand_from serve fetch backfill add remove list health media check show export import help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and __fish_seen_subcommand_from media" -f -a "stats" -d 'Print how many files are kept, and how many bytes'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and __fish_seen_subcommand_from media" -f -a "prune" -d 'Let go what is beyond the quota or unused for too long, and what nothing leads to; while no daemon runs'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and __fish_seen_subcommand_from media" -f -a "verify" -d 'Read every file that is kept, and say what is not what it was'
complete -c feedbridge -n "__fish_feedbridge_using_subcommand help; and __fish_seen_subcommand_from media" -f -a "fetch" -d 'Fetch all files of a channel\'s stored posts; dead addresses are renewed from the posts\' own pages; while no daemon runs'
