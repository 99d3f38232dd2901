//! The one table from an answer to what it says of request, channel, host and exit: a row is a test.

use std::time::Duration;

use feedbridge::{
    page::Landing,
    poll::{
        Intake, Outcome,
        verdict::{Channel, Exit, Host, Request, Verdict},
    },
};

fn row(outcome: &Outcome) -> (Request, Channel, Host, Exit) {
    let Verdict { request, channel, host, exit } = Verdict::of(outcome);
    (request, channel, host, exit)
}

fn words() -> String {
    "words".to_owned()
}

macro_rules! rows {
    ($($name:ident: $outcome:expr => $request:ident, $channel:ident, $host:ident, $exit:expr;)*) => {
        $(#[test]
        fn $name() {
            assert_eq!(row(&$outcome), (Request::$request, Channel::$channel, Host::$host, $exit));
        })*
    };
}

rows! {
    a_page_is_an_answer_of_a_host_that_is_fine:
        Outcome::Page(Box::<Intake>::default()) => Answered, Seen, Fine, Exit::Untouched;
    a_page_without_posts_proves_nothing_by_itself:
        Outcome::Empty(Box::<Intake>::default()) => Answered, Doubtful, Unsure, Exit::Untouched;
    a_redirect_to_the_landing_page_proves_nothing_yet:
        Outcome::Redirected => Answered, Untouched, Unsure, Exit::Untouched;
    a_landing_page_is_of_the_channel:
        Outcome::Landing(Landing::Group) => Answered, Failed, Unsure, Exit::Untouched;
    a_post_that_is_gone_was_told_by_a_host_that_is_fine:
        Outcome::Settled { gone: true } => Answered, Untouched, Fine, Exit::Untouched;
    a_post_that_is_not_gone_proves_nothing:
        Outcome::Settled { gone: false } => Answered, Untouched, Unsure, Exit::Untouched;
    a_channel_that_is_withheld_is_told_so_by_a_host_that_is_fine:
        Outcome::Restricted(words()) => Answered, Failed, Fine, Exit::Untouched;
    another_channels_posts_are_no_fault_of_the_host:
        Outcome::OtherChannel(words()) => Answered, Failed, Fine, Exit::Untouched;
    a_page_that_is_not_understood_is_of_the_channel:
        Outcome::Failed(words()) => Answered, Failed, Unsure, Exit::Untouched;
    a_full_disk_is_nobodys_fault_upstream:
        Outcome::Unstored(words()) => Answered, Waits, Fine, Exit::Untouched;
    a_turn_that_stopped_half_way_is_nobodys_fault_upstream:
        Outcome::Stopped(words()) => Answered, Failed, Unsure, Exit::Untouched;
    a_request_to_wait_pauses_the_exit:
        Outcome::RateLimited(Some(Duration::from_secs(9)))
            => Elsewhere, Failed, Unsure, Exit::Paused(Some(Duration::from_secs(9)));
    no_answer_is_trouble_of_the_host:
        Outcome::Unreachable(words()) => Elsewhere, Waits, Trouble, Exit::Untouched;
    an_error_status_is_trouble_of_the_host:
        Outcome::Refused(words()) => Elsewhere, Failed, Trouble, Exit::Untouched;
    an_answer_that_breaks_off_is_trouble_of_the_host:
        Outcome::Broken(words()) => Elsewhere, Failed, Trouble, Exit::Untouched;
    a_page_of_somebody_else_is_trouble_of_the_host_and_perhaps_of_the_exit:
        Outcome::Foreign(words()) => Elsewhere, Failed, Trouble, Exit::Challenged;
}
