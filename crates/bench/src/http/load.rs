//! Load on a server: as much as it takes (closed loop), or at a rate that was fixed in advance
//! (open loop). In the open loop a request's latency begins when it was due, not when a connection
//! was free for it, so that a server that stalls cannot hide what waited.

use super::response::Response;
use crate::measure::Latency;
use crate::process::this_thread_cpu;
use anyhow::{Context as _, Result, bail, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::event::epoll::{EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::thread::set_current_timer_slack;
use rustix::time::Timespec;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

/// When the next request is sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// As soon as a connection is free.
    Closed,
    /// At so many a second, evenly.
    Open { per_second: f64 },
}

/// What is sent, and how long.
pub struct Load<'a> {
    /// The connections are shared out among them.
    pub addresses: &'a [SocketAddr],
    pub connections: usize,
    pub pace: Pace,
    /// Not measured, at the beginning.
    pub warm_up: Duration,
    /// Measured.
    pub length: Duration,
    /// The most requests that are sent, warm-up included.
    pub most: u64,
    /// The status that every answer must have.
    pub status: u16,
    /// Writes the request with this number.
    pub render: &'a mut dyn FnMut(u64, &mut Vec<u8>),
}

/// What a load measured.
pub struct Loaded {
    /// Answers in the measured time.
    pub answers: u64,
    /// All answers, those of the warm-up too.
    pub answers_all: u64,
    pub seconds: f64,
    pub latency: Latency,
    /// What this client's one thread used of a core, per answer.
    pub client_cpu: Duration,
}

impl Loaded {
    pub fn per_second(&self) -> f64 {
        self.answers as f64 / self.seconds
    }
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    sent: usize,
    response: Response,
    due: Instant,
}

struct Running<'a, 'b> {
    load: &'a mut Load<'b>,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    /// The one that was idle longest comes next: a service closes those that are idle for long.
    free: VecDeque<usize>,
    input: Vec<u8>,
    begun: Instant,
    /// When the measured time begins, and when it ends.
    window: (Instant, Instant),
    sent: u64,
    latency: Latency,
    answers_all: u64,
}

impl Load<'_> {
    /// Sends it. Everything that was sent is waited for; what was due within the measured time
    /// counts for the latency, what was answered within it for the rate: it ends no sooner than
    /// with an answer.
    pub fn run(&mut self) -> Result<Loaded> {
        // A timer may be late by 50 µs otherwise.
        set_current_timer_slack(NonZeroU64::new(1))?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::new();
        for number in 0..self.connections {
            let stream = TcpStream::connect(self.addresses[number % self.addresses.len()])
                .context("connecting")?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            epoll::add(&epoll, &stream, EventData::new_u64(number as u64), EventFlags::IN)?;
            let response = Response::default();
            let due = Instant::now();
            connections.push(Connection { stream, request: vec![], sent: 0, response, due });
        }
        let begun = Instant::now();
        let from = begun + self.warm_up;
        let window = (from, from + self.length);
        Running {
            epoll,
            free: (0..connections.len()).collect(),
            connections,
            input: vec![0; 256 * 1024],
            begun,
            window,
            sent: 0,
            latency: Latency::default(),
            answers_all: 0,
            load: self,
        }
        .run()
    }
}

impl Running<'_, '_> {
    fn run(mut self) -> Result<Loaded> {
        let mut events = Vec::with_capacity(self.connections.len().max(1));
        let mut at_start = None;
        let mut at_end = None;
        loop {
            let now = Instant::now();
            if at_start.is_none() && now >= self.window.0 {
                at_start = Some((now, self.answers_all, this_thread_cpu()?));
            }
            let idle = self.free.len() == self.connections.len();
            let over = self.is_all_sent(now) && idle;
            let any = at_start.as_ref().is_some_and(|(_, before, _)| self.answers_all > *before);
            if at_end.is_none() && ((now >= self.window.1 && any) || over) {
                at_end = Some((now, self.answers_all, this_thread_cpu()?));
            }
            if over {
                break;
            }
            let next = self.send_what_is_due(now)?;
            let timeout = self.patience(next, at_end.is_none());
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), timeout.as_ref())?;
            for event in events.drain(..) {
                let number = usize::try_from(event.data.u64())?;
                self.attend(number, event.flags)?;
            }
        }
        let (from, answers_before, cpu_before) =
            at_start.context("the load ended in its warm-up")?;
        let (to, answers, cpu) = at_end.context("an end")?;
        let answers = answers - answers_before;
        ensure!(answers > 0, "no answer within the measured time");
        let per_answer = cpu.saturating_sub(cpu_before).div_f64(answers as f64);
        Ok(Loaded {
            answers,
            answers_all: self.answers_all,
            seconds: (to - from).as_secs_f64(),
            latency: self.latency,
            client_cpu: per_answer,
        })
    }

    /// When the next request is due: now, or when its turn comes.
    fn next_due(&self, now: Instant) -> Instant {
        match self.load.pace {
            Pace::Closed => now,
            Pace::Open { per_second } => {
                self.begun + Duration::from_secs_f64(self.sent as f64 / per_second)
            }
        }
    }

    /// Whether nothing is to be sent any more. What was due in time is sent, however late.
    fn is_all_sent(&self, now: Instant) -> bool {
        self.sent >= self.load.most || self.next_due(now) >= self.window.1
    }

    /// Sends on free connections; answers when the next request is due, if that is all that is
    /// waited for.
    fn send_what_is_due(&mut self, mut now: Instant) -> Result<Option<Instant>> {
        while !self.is_all_sent(now) {
            let due = self.next_due(now);
            if due > now {
                return Ok(Some(due));
            }
            let Some(number) = self.free.pop_front() else { return Ok(None) };
            let connection = &mut self.connections[number];
            connection.due = due;
            connection.sent = 0;
            connection.request.clear();
            connection.response.clear();
            (self.load.render)(self.sent, &mut connection.request);
            self.sent += 1;
            self.write(number)?;
            now = Instant::now();
        }
        Ok(None)
    }

    /// How long to wait for the sockets at most.
    fn patience(&self, next: Option<Instant>, measuring: bool) -> Option<Timespec> {
        let now = Instant::now();
        let bounds = [next, measuring.then_some(self.window.1), {
            let not_yet = now < self.window.0;
            not_yet.then_some(self.window.0)
        }];
        let earliest = bounds.into_iter().flatten().min()?;
        Timespec::try_from(earliest.saturating_duration_since(now)).ok()
    }

    fn attend(&mut self, number: usize, flags: EventFlags) -> Result<()> {
        if flags.contains(EventFlags::OUT) {
            self.write(number)?;
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            self.read(number)?;
        }
        Ok(())
    }

    fn write(&mut self, number: usize) -> Result<()> {
        let connection = &mut self.connections[number];
        while connection.sent < connection.request.len() {
            match connection.stream.write(&connection.request[connection.sent..]) {
                Ok(written) => connection.sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return self.watch(number, EventFlags::IN | EventFlags::OUT);
                }
                Err(error) => return Err(error).context("sending"),
            }
        }
        // Only a large request had to wait for room.
        if connection.request.len() > LARGE { self.watch(number, EventFlags::IN) } else { Ok(()) }
    }

    fn watch(&self, number: usize, flags: EventFlags) -> Result<()> {
        let stream = &self.connections[number].stream;
        Ok(epoll::modify(&self.epoll, stream, EventData::new_u64(number as u64), flags)?)
    }

    fn read(&mut self, number: usize) -> Result<()> {
        let connection = &mut self.connections[number];
        let read = match connection.stream.read(&mut self.input) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("reading"),
        };
        connection.response.take(&self.input[..read])?;
        if !connection.response.is_complete() {
            return Ok(());
        }
        let response = &connection.response;
        if response.status != self.load.status {
            let body = String::from_utf8_lossy(&response.body);
            bail!("answered {}, not {}: {body}", response.status, self.load.status);
        }
        self.answers_all += 1;
        let (from, to) = self.window;
        if connection.due >= from && connection.due < to {
            self.latency.record(connection.due.elapsed());
        }
        self.free.push_back(number);
        Ok(())
    }
}

/// A request that may not fit into a socket's buffer at once.
const LARGE: usize = 16 * 1024;
