//! Voices as M4A, since Apple's players play no Ogg. The only module that knows ffmpeg, which is asked for by its name.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

const PROGRAM: &str = "ffmpeg";
/// An hour of speech takes less than a minute.
const PATIENCE: Duration = Duration::from_secs(600);

/// The version of the ffmpeg that is there. Blocks.
pub fn version() -> Option<String> {
    let ran = std::process::Command::new(PROGRAM).arg("-version").stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&ran.stdout);
    said.strip_prefix("ffmpeg version ")?.split_whitespace().next().map(str::to_owned)
}

/// Writes the voice at `from` to `to`; an error says why it could not be. Ends with whoever waits for it.
pub async fn transcode(from: &Path, to: &Path) -> Result<(), String> {
    let mut command = Command::new(PROGRAM);
    command.args(["-nostdin", "-v", "error", "-y", "-threads", "1"]);
    // A file of somebody else's: nothing but Ogg is looked for in it, and nothing it names is opened.
    command.args(["-protocol_whitelist", "file", "-f", "ogg", "-i"]).arg(from);
    // What is made of the same is the same; a player needs the index first.
    command.args(["-vn", "-map_metadata", "-1", "-c:a", "aac", "-b:a", "64k", "-bitexact"]);
    command.args(["-movflags", "+faststart", "-f", "ipod"]).arg(to);
    let ran = timeout(PATIENCE, command.stdin(Stdio::null()).kill_on_drop(true).output());
    let ran = ran.await.map_err(|_| format!("{PROGRAM} took longer than {} seconds", PATIENCE.as_secs()))?;
    let ran = ran.map_err(|error| format!("{PROGRAM} cannot be run: {error}"))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    Err(format!("{PROGRAM}: {}", said.lines().last().unwrap_or("it says nothing")))
}
