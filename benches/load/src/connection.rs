//! One connection: its socket, how far it has come, and what is still to be written.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddrV4, TcpStream};
use std::time::Duration;

use bench_load::Stalled;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use socket2::{Domain, Protocol, Socket, Type};

use crate::wire::{self, Template};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Connecting,
    /// The upgrade is asked for.
    Upgrading,
    /// Engine.IO is to say hello.
    Greeting,
    /// Socket.IO is to let us in.
    Entering,
    Open,
    Closed,
}

pub(crate) struct Connection {
    socket: TcpStream,
    index: u64,
    pub(crate) phase: Phase,
    pub(crate) room: usize,
    /// A message of its room has reached it.
    pub(crate) joined: bool,
    pub(crate) template: Template,
    /// When the request that is not yet answered was sent.
    pub(crate) asked: u64,
    /// The beginning of something whose end has not come yet.
    pub(crate) partial: Vec<u8>,
    /// What the kernel would not take yet.
    pending: Vec<u8>,
    /// The poller reports when we may write.
    watched: bool,
}

impl Connection {
    /// Begins to connect. A `narrow` one has small kernel buffers on both sides, so that the server
    /// soon notices when it stops reading.
    pub(crate) fn begin(
        epoll: &Epoll,
        index: usize,
        server: SocketAddrV4,
        narrow: bool,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if narrow {
            socket.set_recv_buffer_size(4096)?;
            socket.set_tcp_mss(536)?;
        }
        match socket.connect(&server.into()) {
            Err(error) if error.raw_os_error() != Some(nix::errno::Errno::EINPROGRESS as i32) => {
                return Err(error);
            }
            _ => {}
        }
        let socket = TcpStream::from(socket);
        let index = index as u64;
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT;
        epoll.add(&socket, EpollEvent::new(flags, index))?;
        Ok(Self {
            socket,
            index,
            phase: Phase::Connecting,
            room: 0,
            joined: false,
            template: Template::default(),
            asked: 0,
            partial: Vec::new(),
            pending: Vec::new(),
            watched: true,
        })
    }

    /// Sends, or keeps for later what the kernel does not take.
    pub(crate) fn send(&mut self, epoll: &Epoll, bytes: &[u8]) -> io::Result<()> {
        if !self.pending.is_empty() {
            self.pending.extend_from_slice(bytes);
            return Ok(());
        }
        let written = self.write(bytes)?;
        if written < bytes.len() {
            self.pending.extend_from_slice(&bytes[written..]);
            self.watch(epoll, true)?;
        }
        Ok(())
    }

    /// Goes on with what was kept.
    pub(crate) fn resume(&mut self, epoll: &Epoll) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let written = self.write(&pending)?;
        self.pending.extend_from_slice(&pending[written..]);
        self.watch(epoll, !self.pending.is_empty())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.socket.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }

    fn watch(&mut self, epoll: &Epoll, writable: bool) -> io::Result<()> {
        if self.watched != writable {
            self.watched = writable;
            let mut flags = EpollFlags::EPOLLIN;
            flags.set(EpollFlags::EPOLLOUT, writable);
            epoll.modify(&self.socket, &mut EpollEvent::new(flags, self.index))?;
        }
        Ok(())
    }

    /// `None` when there is nothing to read, 0 at the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.socket.read(buffer) {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The error of a connect that failed.
    pub(crate) fn connected(&mut self) -> io::Result<()> {
        self.socket.take_error()?.map_or(Ok(()), Err)
    }

    /// Takes no notice of it any more; the connection stays as it is.
    pub(crate) fn ignore(&self, epoll: &Epoll) -> io::Result<()> {
        Ok(epoll.delete(&self.socket)?)
    }

    /// Ends it.
    pub(crate) fn close(&mut self) {
        self.phase = Phase::Closed;
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }

    /// Reads the rest of an ignored connection, to learn whether the server ended it.
    pub(crate) fn autopsy(&mut self) -> io::Result<Stalled> {
        self.socket.set_nonblocking(false)?;
        self.socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut bytes = std::mem::take(&mut self.partial);
        let closed = match self.socket.read_to_end(&mut bytes) {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        let (mut rest, mut code) = (&bytes[..], None);
        while let Some(frame) = wire::take(&mut rest) {
            if frame.opcode == 8 {
                code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            }
        }
        Ok(Stalled { closed, code, bytes: bytes.len() as u64 })
    }
}
