//! What the actions do, when they may be done, and what they take from the fault budget.

use stateright::{Model, Property};

use crate::chain::{Body, Link, Log, Offset, Record, Session};
use crate::properties;
use crate::state::{Action, Call, Fence, Protocol, State};
use crate::writer::{COMMANDS, Phase, Shard, Verdict, Writer};

impl Protocol {
    /// The state that the chain before `end` folds to.
    pub fn stock_before(&self, log: &Log, end: Offset) -> i8 {
        let effects = log
            .commits_before(end)
            .filter_map(|commit| commit.command)
            .map(|command| self.effect(command));
        self.stock + effects.sum::<i8>()
    }

    pub fn effect(&self, command: u8) -> i8 {
        self.commands[usize::from(command)].effect
    }

    fn refuses(&self, stock: i8, command: u8) -> bool {
        stock + self.effect(command) < 0
    }

    /// What an action takes from the fault budget.
    fn cost(state: &State, action: Action) -> u8 {
        let may_land = |session, seq| state.in_network(session, seq) || state.log.offset_of(session, seq).is_some();
        match action {
            // Giving up on a barrier that is or may come in the log takes a failed report; a void one is read as such.
            Action::SendBarrier { writer } if state.writers[usize::from(writer)].phase == Phase::Opening => {
                u8::from(state.in_network(state.session(writer), 0) || state.valid_barrier(writer).is_some())
            }
            Action::Land { session, seq } => {
                let lost = state
                    .network
                    .iter()
                    .filter(|record| record.session == session && record.seq < seq)
                    .count();
                u8::try_from(lost).unwrap_or(u8::MAX)
            }
            Action::Report { writer, good: false } => match &state.writers[usize::from(writer)].phase {
                Phase::Open(shard) => u8::from(may_land(state.session(writer), shard.next_report)),
                Phase::Closed | Phase::Opening => 0,
            },
            Action::Crash { .. } | Action::GiveUp { .. } | Action::Resend { .. } => 1,
            _ => 0,
        }
    }

    /// Does what `action` says. That it may be done is for [`Model::actions`] to say.
    pub fn apply(&self, state: &mut State, action: Action) {
        state.faults -= Self::cost(state, action);
        match action {
            Action::SendBarrier { writer } => self.send_barrier(state, writer),
            Action::Open { writer } => {
                if let Some(offset) = state.valid_barrier(writer) {
                    let head = Link::To(state.session(writer), 0);
                    self.open(state, writer, head, offset + 1);
                }
            }
            Action::Yield { writer } => self.leave(state, writer),
            Action::Resend { writer, from } => Self::resend(state, writer, from),
            Action::Ask { writer, command } => self.ask(state, writer, command),
            Action::Check { writer } => {
                let session = state.session(writer);
                if let Phase::Open(shard) = &mut state.writers[usize::from(writer)].phase {
                    state.network.push(shard.chain(session, Body::Checked));
                }
            }
            Action::Land { session, seq } => self.land(state, session, seq),
            Action::Report { writer, good } => self.report(state, writer, good),
            Action::Crash { writer } => {
                state.writers[usize::from(writer)].phase = Phase::Closed;
                for call in &mut state.calls {
                    if call.waits_for(writer) {
                        *call = Call::Unknown;
                    }
                }
            }
            Action::GiveUp { command } => state.calls[usize::from(command)] = Call::Unknown,
        }
    }

    fn send_barrier(&self, state: &mut State, writer: u8) {
        let head = state.log.reader.head;
        state.writers[usize::from(writer)].nth += 1;
        if self.without == Some(Fence::Barrier) {
            let read_to = state.log.len();
            return self.open(state, writer, head.link, read_to);
        }
        state.writers[usize::from(writer)].phase = Phase::Opening;
        let body = Body::Barrier { head: head.offset };
        state.network.push(Record {
            session: state.session(writer),
            seq: 0,
            prev: head.link,
            body,
        });
    }

    /// Settles what earlier sessions of `writer` have left open, by the chain before `read_to`, in which a barrier stands
    /// behind them: what the chain does not hold is void for good, for it is chained on what the barrier has left.
    fn settle(state: &mut State, writer: u8, read_to: Offset, void: Call) {
        for (command, call) in (0..).zip(&mut state.calls) {
            if call.waits_for(writer) {
                let found = state
                    .log
                    .commits_before(read_to)
                    .any(|commit| commit.command == Some(command));
                *call = if found { Call::Accepted } else { void };
            }
        }
    }

    /// Leaves the shard to the writer whose barrier is behind the own session. Behind that barrier the other may have
    /// sent the same command already, for a client that asked it first and then here: so this writer's commit is void,
    /// but of the command only the other can tell, and it is forwarded.
    fn leave(&self, state: &mut State, writer: u8) {
        let forwarded = self.without != Some(Fence::YieldForwards);
        let read_to = state.log.len();
        Self::settle(
            state,
            writer,
            read_to,
            if forwarded { Call::Unknown } else { Call::Void },
        );
        state.writers[usize::from(writer)].phase = Phase::Closed;
    }

    /// Opens the session on the chain before `read_to`. The own barrier ends every session before it, so what is void by
    /// it is void whoever sent it.
    fn open(&self, state: &mut State, writer: u8, head: Link, read_to: Offset) {
        Self::settle(state, writer, read_to, Call::Void);
        let stock = self.stock_before(&state.log, read_to);
        let sent = [0; COMMANDS];
        let shard = Shard {
            read_to,
            head,
            stock,
            next_seq: 1,
            next_report: 1,
            acknowledged: 1,
            expected: read_to,
            sent,
        };
        state.writers[usize::from(writer)].phase = Phase::Open(shard);
    }

    fn ask(&self, state: &mut State, writer: u8, command: u8) {
        let session = state.session(writer);
        let true_stock = self.stock_before(&state.log, state.log.len());
        let Phase::Open(shard) = &mut state.writers[usize::from(writer)].phase else {
            return;
        };
        let sent = shard.sent[usize::from(command)];
        let acknowledged_before = sent > 0 && sent < shard.next_report;
        let read_to = if self.without == Some(Fence::KeyLookup) {
            0
        } else {
            shard.read_to
        };
        let in_chain = state
            .log
            .commits_before(read_to)
            .any(|commit| commit.command == Some(command));
        let answer = if in_chain || acknowledged_before {
            Call::Accepted
        } else if sent > 0 {
            // Still in flight in this session: joined, never sent twice.
            Call::Committing { session, seq: sent }
        } else if self.refuses(shard.stock, command) {
            let held = self.refuses(true_stock, command);
            match self.without {
                Some(Fence::Confirmation) => Call::Refused { held },
                Some(Fence::SentAfterDecided) => Call::Refusing {
                    session,
                    confirmed_by: 0,
                    held,
                },
                _ => Call::Refusing {
                    session,
                    confirmed_by: shard.next_seq,
                    held,
                },
            }
        } else {
            let of = self.commands[usize::from(command)].parts;
            for part in 1..=of {
                state
                    .network
                    .push(shard.chain(session, Body::Part { command, part, of }));
            }
            shard.stock += self.effect(command);
            shard.sent[usize::from(command)] = shard.next_seq - 1;
            Call::Committing {
                session,
                seq: shard.next_seq - 1,
            }
        };
        state.calls[usize::from(command)] = answer;
    }

    fn resend(state: &mut State, writer: u8, from: u8) {
        let session = state.session(writer);
        let mut again: Vec<Record> = Vec::new();
        for record in &state.log.records {
            let known = again.iter().any(|other| other.seq == record.seq);
            if record.session == session && record.seq >= from && !known {
                again.push(*record);
            }
        }
        again.append(&mut state.network);
        state.network = again;
    }

    fn land(&self, state: &mut State, session: Session, seq: u8) {
        let landing = state
            .network
            .iter()
            .find(|record| record.session == session && record.seq == seq)
            .copied();
        if let Some(record) = landing {
            state
                .network
                .retain(|other| other.session != session || other.seq > seq);
            state.log.append(record, self.window);
        }
        let stock = self.stock_before(&state.log, state.log.len());
        for (command, call) in (0..).zip(&mut state.calls) {
            if let Call::Refusing { held, .. } = call {
                *held |= self.refuses(stock, command);
            }
        }
    }

    fn report(&self, state: &mut State, writer: u8, good: bool) {
        let session = state.session(writer);
        let phase = &mut state.writers[usize::from(writer)].phase;
        let Phase::Open(shard) = phase else { return };
        let landed = state.log.last_offset_of(session, shard.next_report).filter(|_| good);
        let report = landed.map(|offset| (offset, state.log.records[usize::from(offset)]));
        match shard.take_report(report, self.without) {
            Verdict::Latched => *phase = Phase::Closed,
            Verdict::Ignored => {}
            Verdict::Good(good) => {
                for call in &mut state.calls {
                    match *call {
                        Call::Committing { session: own, seq } if own == session && seq == good => {
                            *call = Call::Accepted;
                        }
                        Call::Refusing {
                            session: own,
                            confirmed_by,
                            held,
                        } if own == session && confirmed_by <= good => {
                            *call = Call::Refused { held };
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    fn writer_actions(&self, state: &State, writer: u8, actions: &mut Vec<Action>) {
        let Writer { phase, .. } = &state.writers[usize::from(writer)];
        // Writers differ in name only: that they first open in order halves the states and loses none.
        let in_order = writer == 0 || state.writers[usize::from(writer) - 1].nth > 0;
        let opened: u8 = state.writers.iter().map(|writer| writer.nth).sum();
        let may_open = opened < self.sessions && in_order;
        let shard = match phase {
            Phase::Closed | Phase::Opening => {
                if *phase == Phase::Opening {
                    actions.push(Action::Crash { writer });
                    if state.valid_barrier(writer).is_some() {
                        actions.push(Action::Open { writer });
                    }
                }
                if state.is_cut_off(writer) {
                    actions.push(Action::Yield { writer });
                }
                if may_open {
                    actions.push(Action::SendBarrier { writer });
                }
                return;
            }
            Phase::Open(shard) => shard,
        };
        let mut asked_in_order = true;
        for (command, call) in (0..).zip(&state.calls) {
            let parts = self.commands[usize::from(command)].parts;
            let fits = shard.in_flight() + parts <= self.window;
            let asking = matches!(call, Call::Unknown | Call::Void) || (*call == Call::NotAsked && asked_in_order);
            if asking && (fits || self.refuses(shard.stock, command)) {
                actions.push(Action::Ask { writer, command });
            }
            asked_in_order &= *call != Call::NotAsked;
        }
        let session = state.session(writer);
        let unconfirmed = |call: &Call| {
            matches!(*call, Call::Refusing { session: own, confirmed_by, .. }
                if own == session && confirmed_by == shard.next_seq)
        };
        if state.calls.iter().any(unconfirmed) && shard.in_flight() < self.window {
            actions.push(Action::Check { writer });
        }
        let reported = |seq| state.log.offset_of(session, seq).is_some() && !state.in_network(session, seq);
        if self.resends && shard.awaits_report() && reported(shard.next_report) {
            actions.push(Action::Resend {
                writer,
                from: shard.next_report,
            });
        }
        if shard.awaits_report() {
            if reported(shard.next_report) {
                actions.push(Action::Report { writer, good: true });
            }
            actions.push(Action::Report { writer, good: false });
        }
        actions.push(Action::Crash { writer });
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            log: Log::empty(),
            network: Vec::new(),
            writers: vec![
                Writer {
                    nth: 0,
                    phase: Phase::Closed
                };
                usize::from(self.writers)
            ],
            calls: vec![Call::NotAsked; self.commands.len()],
            faults: self.faults,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for writer in 0..self.writers {
            self.writer_actions(state, writer, actions);
        }
        actions.extend(state.network.iter().map(|record| Action::Land {
            session: record.session,
            seq: record.seq,
        }));
        for (command, call) in (0..).zip(&state.calls) {
            if matches!(call, Call::Committing { .. } | Call::Refusing { .. }) {
                actions.push(Action::GiveUp { command });
            }
        }
        actions.retain(|action| Self::cost(state, *action) <= state.faults);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        self.apply(&mut next, action);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }
}
