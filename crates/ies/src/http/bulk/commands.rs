//! The commands of a body, each read as soon as it is there whole, so that neither the text nor a
//! second form of all commands is held. The first fault ends it.

use super::super::body::Sink;
use super::super::extract::{Object, from_json};
use super::super::problem::{Problem, kinds};
use crate::wire;
use item_event_store::command::{Command, CommandCount};
use item_event_store::limits::MAX_REQUEST_COMMANDS;

/// How commands are written one behind another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As one JSON array.
    Array,
    /// One on each line (JSON Lines).
    Lines,
}

/// Reads commands.
pub struct Commands {
    next: Next,
    /// What has come and is not read: the beginning of a command.
    rest: Vec<u8>,
    /// The rest is looked at when it has so many bytes. It doubles, so that a command which comes
    /// in many pieces is not read anew with each.
    enough: usize,
    /// How many there were. Those beyond [`MAX_REQUEST_COMMANDS`] are not kept.
    count: usize,
    commands: Vec<Command>,
}

/// What may come next.
#[derive(Clone, Copy)]
enum Next {
    Line,
    /// The array's `[`.
    Opening,
    /// Its first command, or its end.
    First,
    Command,
    /// What is between two commands, or the end.
    Comma,
    /// Nothing.
    End,
}

impl Sink for Commands {
    fn take(&mut self, piece: &[u8]) -> Result<(), Problem> {
        self.rest.extend_from_slice(piece);
        if self.rest.len() < self.enough {
            return Ok(());
        }
        self.read(false)?;
        self.enough = 2 * self.rest.len();
        Ok(())
    }
}

impl Commands {
    /// Before any has come.
    pub fn written_as(form: Form) -> Self {
        let next = match form {
            Form::Array => Next::Opening,
            Form::Lines => Next::Line,
        };
        Self { next, rest: Vec::new(), enough: 0, count: 0, commands: Vec::new() }
    }

    /// All of them, when nothing more comes.
    pub fn end(mut self) -> Result<Vec<Command>, Problem> {
        self.read(true)?;
        if self.count > MAX_REQUEST_COMMANDS {
            let error = CommandCount(self.count);
            return Err(Problem::new(&kinds::COMMAND_COUNT, error.to_string()));
        }
        Ok(self.commands)
    }

    /// Reads as much as is there whole.
    fn read(&mut self, last: bool) -> Result<(), Problem> {
        let rest = std::mem::take(&mut self.rest);
        let mut left = rest.as_slice();
        while let Some(read) = self.step(left, last)? {
            left = &left[read..];
        }
        self.rest = left.to_vec();
        Ok(())
    }

    /// Reads one thing from the beginning of `text`: so many bytes. `None` when it is not there
    /// whole, or there is nothing more.
    fn step(&mut self, text: &[u8], last: bool) -> Result<Option<usize>, Problem> {
        if matches!(self.next, Next::Line) {
            return self.line(text, last);
        }
        let blank = text.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
        let text = &text[blank..];
        let Some(first) = text.first() else {
            if last && !matches!(self.next, Next::End) {
                let count = self.count;
                return Err(malformed(&format!("the array breaks off after {count} commands")));
            }
            return Ok(None);
        };
        let read = match (self.next, first) {
            (Next::Opening, b'[') => {
                self.next = Next::First;
                1
            }
            (Next::Opening, _) => {
                return Err(malformed("the body has to be an array of commands"));
            }
            (Next::First | Next::Comma, b']') => {
                self.next = Next::End;
                1
            }
            (Next::Comma, b',') => {
                self.next = Next::Command;
                1
            }
            (Next::Comma, _) => {
                let count = self.count;
                return Err(malformed(&format!("no comma and no end after {count} commands")));
            }
            (Next::End, _) => return Err(malformed("the array has ended, and more comes")),
            (Next::First | Next::Command | Next::Line, _) => {
                let Some(read) = self.command(text, last)? else { return Ok(None) };
                self.next = Next::Comma;
                read
            }
        };
        Ok(Some(blank + read))
    }

    /// The command that the text begins with, if it is there whole.
    fn command(&mut self, text: &[u8], last: bool) -> Result<Option<usize>, Problem> {
        let mut values = serde_json::Deserializer::from_slice(text).into_iter();
        match values.next() {
            Some(Ok(Object(command))) => {
                let read = values.byte_offset();
                self.keep(command).map(|()| Some(read))
            }
            Some(Err(error)) if error.is_eof() && !last => Ok(None),
            _ => Err(self.fault(text)),
        }
    }

    /// The line that the text begins with, if it is there whole. The last one need not have an end.
    fn line(&mut self, text: &[u8], last: bool) -> Result<Option<usize>, Problem> {
        let end = text.iter().position(|byte| *byte == b'\n');
        let (line, read) = match end {
            Some(end) => (&text[..end], end + 1),
            None if last && !text.is_empty() => (text, text.len()),
            None => return Ok(None),
        };
        match serde_json::from_slice(line) {
            Ok(Object(command)) => self.keep(command).map(|()| Some(read)),
            Err(_) => Err(self.fault(line)),
        }
    }

    fn keep(&mut self, command: wire::Command) -> Result<(), Problem> {
        let index = self.count;
        self.count += 1;
        if self.count <= MAX_REQUEST_COMMANDS {
            let command = command.into_command().map_err(|error| {
                Problem::invalid_member(error.in_element(index)).line(index + 1)
            })?;
            self.commands.push(command);
        }
        Ok(())
    }

    /// What is wrong with the command that the text begins with. The reader that can name it is
    /// slower, so it is asked only then.
    fn fault(&self, text: &[u8]) -> Problem {
        let fault = from_json::<Object<wire::Command>>(text).err();
        fault.unwrap_or_else(|| malformed("no command")).in_element(self.count)
    }
}

fn malformed(detail: &str) -> Problem {
    Problem::new(&kinds::MALFORMED_JSON, detail)
}

/// All commands of a text.
#[cfg(test)]
pub fn parse(form: Form, text: &[u8]) -> Result<Vec<Command>, Problem> {
    let mut commands = Commands::written_as(form);
    commands.take(text)?;
    commands.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOID: &str = r#"{"command":"void","position":1}"#;

    fn array(text: &str) -> Result<Vec<Command>, Problem> {
        parse(Form::Array, text.as_bytes())
    }

    fn lines(text: &str) -> Result<Vec<Command>, Problem> {
        parse(Form::Lines, text.as_bytes())
    }

    fn fault(result: Result<Vec<Command>, Problem>) -> (Option<usize>, String) {
        let problem = result.expect_err("a fault").to_wire();
        let pointer = problem.errors.first().map(|error| error.pointer.clone());
        (problem.line, pointer.unwrap_or_default())
    }

    #[test]
    fn lines_and_arrays_say_the_same() {
        let written = lines(&format!("{VOID}\n{VOID}\r\n{VOID}")).expect("lines");
        assert_eq!(written.len(), 3);
        assert_eq!(lines(&format!("{VOID}\n{VOID}\n{VOID}\n")).expect("lines"), written);
        assert_eq!(array(&format!("[{VOID},{VOID},{VOID}]")).expect("an array"), written);
        let blanks = format!(" [\n{VOID}\t,\r\n {VOID} , {VOID} ] \n");
        assert_eq!(array(&blanks).expect("an array"), written);
        assert!(array("[]").expect("nothing").is_empty());
        assert!(lines("").expect("nothing").is_empty());
    }

    #[test]
    fn a_fault_names_its_line() {
        for wrong in [
            (r#"{"command":"void","position":1,"quantity":2}"#, "quantity"),
            (r#"{"command":"void","position":1,"role":"admin"}"#, "role"),
            (r#"{"command":"void","position":"x"}"#, "position"),
        ] {
            let (wrong, member) = wrong;
            let expected = (Some(3), format!("/2/{member}"));
            assert_eq!(fault(lines(&format!("{VOID}\n{VOID}\n{wrong}"))), expected);
            assert_eq!(fault(array(&format!("[{VOID},{VOID},{wrong}]"))), expected);
        }
        for wrong in ["[\"void\"]", "{", "", "null", "nul"] {
            assert_eq!(fault(lines(&format!("{VOID}\n{wrong}\n{VOID}"))).0, Some(2), "{wrong}");
            assert_eq!(fault(array(&format!("[{VOID},{wrong},{VOID}]"))).0, Some(2), "{wrong}");
        }
    }

    #[test]
    fn an_array_that_is_none_is_refused() {
        let (cut, trailing) = (format!("[{VOID}"), format!("[{VOID},"));
        let (apart, more) = (format!("[{VOID} {VOID}]"), format!("[{VOID}]]"));
        for text in ["", " ", VOID, "nu", "[", &cut, &trailing, &apart, &more, "[,]", "[]x"] {
            let problem = array(text).expect_err(text).to_wire();
            assert_eq!(problem.code, "malformed_json", "{text}");
        }
        assert_eq!(fault(array(&format!("[{VOID},]"))).0, Some(2));
    }

    #[test]
    fn more_commands_than_a_request_may_have_are_refused() {
        for form in [Form::Array, Form::Lines] {
            let text = |commands: usize| match form {
                Form::Array => format!("[{}]", vec![VOID; commands].join(",")),
                Form::Lines => vec![VOID; commands].join("\n"),
            };
            let most = parse(form, text(MAX_REQUEST_COMMANDS).as_bytes()).expect("as many");
            assert_eq!(most.len(), MAX_REQUEST_COMMANDS);
            let problem = parse(form, text(MAX_REQUEST_COMMANDS + 2).as_bytes());
            let problem = problem.expect_err("too many").to_wire();
            assert_eq!(problem.code, "command_count");
            assert!(problem.detail.contains(&(MAX_REQUEST_COMMANDS + 2).to_string()));
        }
    }

    #[test]
    fn a_command_is_kept_before_the_next_has_come() {
        let mut commands = Commands::written_as(Form::Array);
        commands.take(format!("[{VOID},{VOID}").as_bytes()).expect("two commands");
        assert_eq!(commands.commands.len(), 2);
        assert!(commands.rest.is_empty());
        let fault = commands.take(br#",{"command":"void","note":1"#).expect_err("no text");
        assert_eq!(fault.to_wire().line, Some(3), "before its end has come");
    }

    #[test]
    fn a_command_in_many_pieces_is_looked_at_few_times() {
        let mut commands = Commands::written_as(Form::Array);
        let mut enough = 0;
        let mut looks = 0;
        commands.take(br#"[{"command":"void","note":""#).expect("a beginning");
        for _ in 0..1 << 16 {
            commands.take(b"x").expect("more of it");
            looks += u32::from(commands.enough > enough);
            enough = commands.enough;
        }
        assert!(looks <= 16, "{looks} looks");
    }
}
