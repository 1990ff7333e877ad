//! Multi-person chat: the IRC disentanglement corpus. A chat for each channel, its members from the nicknames, its messages
//! with what they answer.
//!
//! How its quirks are met:
//! - Lines of kind `system` (joins, parts, changes of nick) have no time and say nothing: they are left out.
//! - Times have no seconds: messages of one minute keep the order of their lines. A file that runs past midnight keeps its
//!   first date: where the time falls back by more than twelve hours, the next day begins.
//! - `#linux` has no date: its excerpts are dated one day each from 2000-01-01 on.
//! - A link to a line that is no message before it (a system line, itself, a later one) is left out, and counted.
//! - Control characters (IRC's marks for bold and colour) are dropped from the text.
//! - Excerpts overlap; a message that stands in two files is two messages.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::{BufRead as _, BufReader},
    path::Path,
};

use anyhow::Context as _;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use domain::{
    chat::{
        chat::{AddChatMembers, ChatKind, CreateChat},
        message::{
            MessageContent, SendMessage,
            content::{Text, TextKind},
        },
    },
    id::{ChatId, MessageId, UserId},
};
use serde::Deserialize;

use super::{
    Plan, Stage,
    line::{Line, derived},
    olist::table,
};

/// How many people one command brings in.
const TOGETHER: usize = 500;

#[derive(Deserialize)]
struct Row {
    file: String,
    line: u64,
    channel: String,
    date: Option<String>,
    kind: String,
    time: Option<String>,
    sender: Option<String>,
    text: String,
    #[serde(default)]
    reply_to: Vec<u64>,
}

/// A line that becomes a message.
struct Said {
    row: Row,
    at: DateTime<Utc>,
    sender: UserId,
}

/// Reads the corpus and plans its commands, channel by channel in the order of the source.
pub fn plan(directory: &Path, limit: Option<usize>) -> anyhow::Result<Plan> {
    let path = ["messages.jsonl.gz", "messages.jsonl"]
        .iter()
        .map(|name| directory.join(name))
        .find(|path| path.exists())
        .with_context(|| format!("{} holds no messages.jsonl.gz", directory.display()))?;
    let mut clock = Dates::default();
    let (mut said, mut system, mut empty) = (Vec::new(), 0, 0);
    for line in BufReader::new(table::open(&path)?)
        .lines()
        .take(limit.unwrap_or(usize::MAX))
    {
        let mut row: Row = serde_json::from_str(&line?).with_context(|| format!("can not read {}", path.display()))?;
        row.text.retain(|letter| !letter.is_control());
        match (row.kind.as_str(), row.sender.as_deref(), row.text.trim().is_empty()) {
            ("msg" | "action" | "notice", Some(sender), false) => {
                let sender = user(sender);
                let at = clock.time(&row)?;
                said.push(Said { row, at, sender });
            }
            ("msg" | "action" | "notice", _, _) => empty += 1,
            _ => system += 1,
        }
    }
    let mut told = Told::default();
    let lines = told.tell(&said)?;
    Ok(Plan {
        stages: vec![Stage::of_lines("messages", lines)],
        left_out: vec![
            ("system lines (joins, parts, changes of nick)".to_owned(), system),
            ("messages without text or sender".to_owned(), empty),
            (
                "links to something that is no earlier message".to_owned(),
                told.dangling,
            ),
        ],
    })
}

fn user(nick: &str) -> UserId {
    UserId::new(derived(
        "irc nick",
        nick,
        first_day().and_time(NaiveTime::MIN).and_utc(),
    ))
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2000, 1, 1).expect("2000-01-01 is a date")
}

/// Puts dates to times.
#[derive(Default)]
struct Dates {
    undated: BTreeSet<String>,
    /// By file: the days past its first midnight, and the last time.
    passed: HashMap<String, (u64, NaiveTime)>,
}

impl Dates {
    fn time(&mut self, row: &Row) -> anyhow::Result<DateTime<Utc>> {
        let place = || format!("{}, line {}", row.file, row.line);
        let first = if let Some(date) = &row.date {
            NaiveDate::parse_from_str(date, "%Y-%m-%d").with_context(place)?
        } else {
            self.undated.insert(row.file.clone());
            first_day() + Days::new(self.undated.len() as u64 - 1)
        };
        let text = row.time.as_deref().with_context(place)?;
        let time = NaiveTime::parse_from_str(text, "%H:%M:%S")
            .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"))
            .with_context(place)?;
        let (days, last) = self.passed.entry(row.file.clone()).or_insert((0, time));
        if last.signed_duration_since(time) > TimeDelta::hours(12) {
            *days += 1;
        }
        *last = time;
        Ok((first + Days::new(*days)).and_time(time).and_utc())
    }
}

/// What has been told so far.
#[derive(Default)]
struct Told {
    members: BTreeMap<String, BTreeSet<UserId>>,
    messages: HashMap<(String, u64), MessageId>,
    dangling: u64,
}

impl Told {
    fn tell(&mut self, said: &[Said]) -> anyhow::Result<Vec<Line>> {
        let mut by_channel: BTreeMap<&str, Vec<&Said>> = BTreeMap::new();
        for said in said {
            by_channel.entry(&said.row.channel).or_default().push(said);
        }
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut lines = Vec::with_capacity(said.len());
        for said in said {
            let channel = said.row.channel.as_str();
            let place = places.entry(channel).or_default();
            if !self
                .members
                .get(channel)
                .is_some_and(|members| members.contains(&said.sender))
            {
                lines.extend(self.come_in(channel, &by_channel[channel][*place..], said.at)?);
            }
            *place += 1;
            lines.push(self.message(said)?);
        }
        Ok(lines)
    }

    /// The next people who say something in the channel come in together; the first of all makes the chat.
    fn come_in(&mut self, channel: &str, ahead: &[&Said], at: DateTime<Utc>) -> anyhow::Result<Vec<Line>> {
        let chat = chat(channel);
        let keeper = user(&format!("keeper of {channel}"));
        let mut lines = Vec::new();
        let members = self.members.entry(channel.to_owned()).or_default();
        if members.is_empty() {
            let command = CreateChat {
                kind: ChatKind::Group,
                title: Some(channel.to_owned()),
                description: None,
                subject: None,
                owner: Some(keeper),
                members: Vec::new(),
            };
            lines.push(Line::new(format!("chats/{chat}/create"), keeper, at, &command)?);
        }
        let mut newcomers = Vec::new();
        for said in ahead {
            if newcomers.len() == TOGETHER {
                break;
            }
            if members.insert(said.sender) {
                newcomers.push(said.sender);
            }
        }
        // Who comes in together depends on how much of the source is read: another list is another command.
        let names: Vec<String> = newcomers.iter().map(ToString::to_string).collect();
        let key = derived("irc newcomers", &names.join("\n"), at);
        let command = AddChatMembers { members: newcomers };
        lines.push(Line::new(format!("chats/{chat}/add-members"), keeper, at, &command)?.keyed(key));
        Ok(lines)
    }

    fn message(&mut self, said: &Said) -> anyhow::Result<Line> {
        let Said { row, at, sender } = said;
        let id = MessageId::new(derived("irc message", &format!("{} {}", row.file, row.line), *at));
        let mut reply_to: Vec<MessageId> = Vec::new();
        for line in &row.reply_to {
            match self.messages.get(&(row.file.clone(), *line)) {
                Some(earlier) if !reply_to.contains(earlier) => reply_to.push(*earlier),
                Some(_) => {}
                None => self.dangling += 1,
            }
        }
        self.messages.insert((row.file.clone(), row.line), id);
        let kind = match row.kind.as_str() {
            "action" => TextKind::Action,
            "notice" => TextKind::Notice,
            _ => TextKind::Said,
        };
        let command = SendMessage {
            content: MessageContent::Text(Text {
                text: row.text.clone(),
                kind,
            }),
            reply_to,
            mentions: Vec::new(),
            hashtags: Vec::new(),
            silent: false,
        };
        Line::new(
            format!("chats/{}/messages/{id}/send", chat(&row.channel)),
            *sender,
            *at,
            &command,
        )
    }
}

fn chat(channel: &str) -> ChatId {
    ChatId::new(derived(
        "irc channel",
        channel,
        first_day().and_time(NaiveTime::MIN).and_utc(),
    ))
}
