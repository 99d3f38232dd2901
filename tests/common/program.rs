//! The real program in a directory of its own: its commands, and the daemon as a child process.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{
        Mutex,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use feedbridge::store::Local;
use tempfile::TempDir;

/// Longer than anything takes; reached only when a test fails.
const BOUND: Duration = Duration::from_secs(30);
const PROGRAM: &str = env!("CARGO_BIN_EXE_feedbridge");

/// A configuration and a place for a store.
pub struct Program {
    pub directory: TempDir,
    pub address: SocketAddr,
}

impl Program {
    /// Polls `channels` at `upstream` once a second.
    pub fn new(upstream: &str, channels: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let upstream = upstream.trim_end_matches('/');
        let channels: String = channels.iter().map(|name| format!("[[channel]]\nname = \"{name}\"\n")).collect();
        let program = Self { directory, address };
        program.configure(&format!(
            "[server]\nlisten = \"{address}\"\npublic_url = \"http://{address}\"\n[store]\npath = \"data\"\n\
             [upstream]\nhosts = [\"{upstream}\"]\n[poll]\ninterval_seconds = 1\n{channels}"
        ));
        program
    }

    pub fn configure(&self, text: &str) {
        fs::write(self.path("config.toml"), text).unwrap();
    }

    pub fn configuration(&self) -> String {
        fs::read_to_string(self.path("config.toml")).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Opens the store as the daemon does, lock and all.
    pub fn store(&self) -> Local {
        Local::open(&self.path("data")).unwrap()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.within(Command::new(PROGRAM));
        command.args(words);
        command
    }

    /// In the directory, and without what this process was told by systemd.
    fn within(&self, mut command: Command) -> Command {
        command.current_dir(self.directory.path());
        for name in ["STATE_DIRECTORY", "JOURNAL_STREAM", "NOTIFY_SOCKET", "RUST_LOG", "LISTEN_FDS", "LISTEN_PID"] {
            command.env_remove(name);
        }
        // Those that the tests know are no settings.
        let ours = std::env::vars_os().map(|(name, _)| name);
        ours.filter(|name| name.to_string_lossy().starts_with("FEEDBRIDGE_"))
            .for_each(|name| _ = command.env_remove(name));
        command
    }

    /// The daemon, handed `socket` under so many numbers from 3 on, as systemd hands over its own (sd_listen_fds(3)).
    fn activated(&self, socket: impl Into<OwnedFd>, times: usize) -> Command {
        let numbers: String = (3..3 + times).map(|number| format!(" {number}<&0")).collect();
        let mut command = self.within(Command::new("sh"));
        command.arg("-c").arg(format!("LISTEN_FDS={times} LISTEN_PID=$$ exec \"$0\" serve{numbers}")).arg(PROGRAM);
        command.stdin(Stdio::from(socket.into()));
        command
    }

    pub fn run(&self, words: &[&str]) -> Ran {
        self.run_in(&[], words)
    }

    /// With these variables in its environment.
    pub fn run_in(&self, environment: &[(&str, &str)], words: &[&str]) -> Ran {
        let mut command = self.command(words);
        command.envs(environment.iter().copied());
        Ran::of(command)
    }

    /// What the daemon says that cannot take the sockets passed to it.
    pub fn run_on(&self, socket: impl Into<OwnedFd>, times: usize) -> Ran {
        Ran::of(self.activated(socket, times))
    }

    /// Starts a command and does not wait for it.
    pub fn begin(&self, words: &[&str]) -> Daemon {
        let mut command = self.command(words);
        command.stdout(Stdio::null());
        Daemon::begin(command, self.address)
    }

    /// Starts the daemon and waits until it serves.
    pub fn start(&self) -> Daemon {
        self.start_in(&[])
    }

    /// As [`Program::start`], with these variables in its environment.
    pub fn start_in(&self, environment: &[(&str, &str)]) -> Daemon {
        let mut command = self.command(&["serve"]);
        command.envs(environment.iter().copied());
        Daemon::start(command, self.address)
    }

    /// As [`Program::start`], on a socket that was opened before.
    pub fn start_on(&self, socket: TcpListener) -> Daemon {
        let address = socket.local_addr().unwrap();
        Daemon::start(self.activated(socket, 1), address)
    }
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn of(mut command: Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
    }
}

/// Killed when dropped.
pub struct Daemon {
    child: Child,
    log: Mutex<Receiver<String>>,
    /// Lines that came before the daemon said that it serves.
    early: Mutex<VecDeque<String>>,
    address: SocketAddr,
}

impl Daemon {
    fn begin(mut command: Command, address: SocketAddr) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = mpsc::channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, log: Mutex::new(log), early: Mutex::default(), address }
    }

    fn start(command: Command, address: SocketAddr) -> Self {
        let daemon = Self::begin(command, address);
        // A first poll may be quicker than that line.
        let (_, early) = daemon.read_to("serving url=");
        daemon.early.lock().unwrap().extend(early);
        daemon
    }

    /// The next line of the log that holds `words`.
    pub fn wait_for(&self, words: &str) -> String {
        self.read_to(words).0
    }

    /// The next line that holds `words`, and those before it.
    fn read_to(&self, words: &str) -> (String, Vec<String>) {
        let mut seen = Vec::new();
        loop {
            let early = self.early.lock().unwrap().pop_front();
            match early.map_or_else(|| self.log.lock().unwrap().recv_timeout(BOUND), Ok) {
                Ok(line) if line.contains(words) => return (line, seen),
                Ok(line) => seen.push(line),
                Err(error) => panic!("{words}: {error}; the log says {seen:#?}"),
            }
        }
    }

    /// Status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let (status, _, body) = self.ask("GET", path, "");
        (status, body)
    }

    /// Status and header of what a request with the header lines `fields` is answered.
    pub fn get_with(&self, path: &str, fields: &str) -> (u16, String) {
        let (status, head, _) = self.ask("GET", path, &format!("{fields}\r\n"));
        (status, head)
    }

    /// As [`Daemon::get`], of a form.
    pub fn post(&self, path: &str, form: &str) -> (u16, String) {
        let length = form.len();
        let rest = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}");
        let (status, _, body) = self.ask("POST", path, &rest);
        (status, body)
    }

    fn ask(&self, method: &str, path: &str, rest: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        let host = self.address;
        let end = if rest.is_empty() { "\r\n" } else { rest };
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{end}").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(sent.success());
    }

    /// The exit code, once the daemon ends by itself.
    pub fn end(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
