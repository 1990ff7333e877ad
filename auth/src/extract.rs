//! The caller of a request: who the bearer token says it is (RFC 6750). No token is nobody in particular; a bad one is
//! 401, for whoever sends a token means to be somebody.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use domain::viewer::Viewer;
use serde_json::json;

use crate::{
    Keys,
    token::{Holder, InvalidToken},
};

/// Extracts the viewer of a request. The router's state must give out `Arc<Keys>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(pub Viewer);

impl Keys {
    /// The viewer that the request's `Authorization` names.
    pub fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, InvalidToken> {
        self.sender(headers).map(|holder| holder.viewer)
    }

    /// The same, and for how much longer the token is good.
    pub fn sender(&self, headers: &HeaderMap) -> Result<Holder, InvalidToken> {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Ok(Holder {
                viewer: Viewer::anonymous(),
                left: None,
            });
        };
        let malformed = || InvalidToken::Malformed("Authorization must be `Bearer` and a token".to_owned());
        let (scheme, token) = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or_else(malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(malformed());
        }
        self.holder(token.trim())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Arc<Keys>: FromRef<S>,
{
    type Rejection = InvalidToken;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, InvalidToken> {
        Arc::<Keys>::from_ref(state).viewer(&parts.headers).map(Self)
    }
}

impl InvalidToken {
    /// The `WWW-Authenticate` of the answer (RFC 6750 §3).
    pub fn challenge(&self) -> HeaderValue {
        let description: String = self
            .to_string()
            .chars()
            .map(|c| match c {
                '"' | '\\' => '\'',
                ' '..='~' => c,
                _ => '?',
            })
            .collect();
        HeaderValue::from_str(&format!(
            r#"Bearer error="invalid_token", error_description="{description}""#
        ))
        .expect("every character but visible ASCII was replaced")
    }
}

impl IntoResponse for InvalidToken {
    fn into_response(self) -> Response {
        let problem = json!({
            "type": format!("urn:stoa:problem:{}", self.code()),
            "title": "The token is not accepted",
            "status": 401,
            "detail": self.to_string(),
        });
        (
            StatusCode::UNAUTHORIZED,
            [
                (CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
                (WWW_AUTHENTICATE, self.challenge()),
            ],
            problem.to_string(),
        )
            .into_response()
    }
}
