//! The one SQLite file: what is kept in it, and how jobs read and write it. Only this module knows SQL.
//! A job is a plain function of `&ReadTx` or `&mut WriteTx`; the methods of these two speak the product's words and
//! live in one file per family of tables. What a change means (events, sentences, rules) is `service`'s business.

mod activity;
mod admins;
mod audit;
mod called;
mod check;
mod counts;
mod detail;
mod engine;
mod error;
mod events;
mod forget;
mod former;
mod health;
mod history;
pub mod index;
mod known;
mod leniencies;
mod listed_page;
mod lists;
mod members;
mod milestones;
mod narrow;
mod nesting;
mod pulse;
mod resources;
mod schemas;
mod search;
mod second_step;
mod settings;
mod team_settings;
mod teams;
#[cfg(test)]
mod testing;
mod throwaway;
mod tokens;
mod whereabouts;

use activity::register as register_functions;
pub use activity::{
    Activity, ActivityBody, ActivityQuery, ActivityRow, Hours, InBodies, Spot, Subject, Which, gathered_line,
};
pub use admins::{Admin, NewAdmin, Session, SignedIn};
pub use audit::{AuditRow, Beside, Hand};
pub use check::{Finding, Report, check};
pub use counts::{CameTo, Day, Hour, Tally, Totals};
pub use detail::{Bounds, Detail};
pub use engine::{Options, ReadTx, Store, WriteTx};
pub use error::StoreError;
pub use events::{By, Event};
pub use health::{Room, Uses};
pub use history::{Edge, Happened, Moved, Named};
pub use index::IndexValue;
pub use known::SizeDay;
pub use leniencies::Lenient;
pub use lists::{List, Listed, Order};
pub use members::{Known, MemberLine, Roll};
pub use milestones::Milestone;
pub use pulse::{Counted, MemberDay, Standing, Surroundings};
pub use resources::{Deleted, Row, Tombstone};
pub use schemas::TeamSchema;
pub use search::{Found, Key, Page, Place, Query, Sort};
pub use second_step::SecondStep;
pub use team_settings::TeamSettings;
pub use teams::{Team, TeamState};
pub use tokens::{NewToken, Opener, Token, Used};
pub use whereabouts::Whereabouts;

/// What store functions return.
pub type Result<T> = std::result::Result<T, StoreError>;
