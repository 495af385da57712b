//! One operation of the API: its route, who may use it and what it says in the document are written once, together, so
//! that none can be without the others. Knows no operation.

use std::collections::BTreeMap;

use axum::{Router, handler::Handler, middleware::from_fn_with_state, routing::MethodFilter};
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        ComponentsBuilder, Content, ContentBuilder, HeaderBuilder, HttpMethod, ObjectBuilder,
        Paths, Ref, RefOr, Required, Response, ResponseBuilder, Schema, SecurityRequirement,
        path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::{ArrayBuilder, Components, KnownFormat, SchemaFormat, Type},
    },
};

use super::gate::{self, Gate};
use crate::{http::router::Shared, types::Scope};

/// Who may use an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Access {
    Anyone,
    /// A signed-in operator, or a program whose token has the scope.
    Scope(Scope),
    /// The same, and whoever reads the data folder, such as the command line.
    Hand(Scope),
    /// A counter's program, or a program with the scope, which sells under its own name.
    Counter(Scope),
    /// A merchant's program.
    Merchant,
}

impl Access {
    /// As the document says it; several: one of them is enough.
    fn requirements(self) -> Vec<SecurityRequirement> {
        let of = |name: &str, scope: Option<Scope>| {
            SecurityRequirement::new(name, scope.map(Scope::name))
        };
        match self {
            Self::Anyone => vec![SecurityRequirement::default()],
            Self::Scope(scope) | Self::Hand(scope) => {
                vec![of("token", Some(scope)), of("session", None)]
            }
            Self::Counter(scope) => vec![of("token", Some(scope)), of("counterToken", None)],
            Self::Merchant => vec![of("merchantToken", None)],
        }
    }
}

/// One operation, as it is described.
pub(in crate::http) struct Op {
    method: HttpMethod,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    access: Access,
    parameters: Vec<Parameter>,
    body: Option<RefOr<Schema>>,
    answers: Vec<(u16, Response)>,
    schemas: Vec<(String, RefOr<Schema>)>,
    /// Its answer holds what is shown once only.
    secret: bool,
}

fn named<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) -> RefOr<Schema> {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

impl Op {
    fn new(
        method: HttpMethod,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            access: Access::Anyone,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            schemas: Vec::new(),
            secret: false,
        }
    }

    pub(in crate::http) fn get(path: &'static str, id: &'static str, what: &'static str) -> Self {
        Self::new(HttpMethod::Get, path, id, what)
    }

    pub(in crate::http) fn post(path: &'static str, id: &'static str, what: &'static str) -> Self {
        Self::new(HttpMethod::Post, path, id, what)
    }

    pub(in crate::http) fn put(path: &'static str, id: &'static str, what: &'static str) -> Self {
        Self::new(HttpMethod::Put, path, id, what)
    }

    pub(in crate::http) fn delete(
        path: &'static str,
        id: &'static str,
        what: &'static str,
    ) -> Self {
        Self::new(HttpMethod::Delete, path, id, what)
    }

    pub(in crate::http) fn by(self, access: Access) -> Self {
        Self { access, ..self }
    }

    pub(in crate::http) fn scope(self, scope: Scope) -> Self {
        self.by(Access::Scope(scope))
    }

    pub(in crate::http) fn query<T: IntoParams>(mut self) -> Self {
        self.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
        self
    }

    pub(in crate::http) fn body<T: ToSchema>(mut self) -> Self {
        self.body = Some(named::<T>(&mut self.schemas));
        self
    }

    pub(in crate::http) fn gives<T: ToSchema>(mut self, status: u16, what: &str) -> Self {
        let content = Content::new(Some(named::<T>(&mut self.schemas)));
        let answer = ResponseBuilder::new().description(what).content(JSON, content);
        self.answers.push((status, answer.build()));
        self
    }

    /// An array.
    pub(in crate::http) fn lists<T: ToSchema>(mut self, what: &str) -> Self {
        let items = named::<T>(&mut self.schemas);
        let array = Schema::from(ArrayBuilder::new().items(items).build());
        let content = Content::new(Some(array));
        let answer = ResponseBuilder::new().description(what).content(JSON, content);
        self.answers.push((200, answer.build()));
        self
    }

    /// A part of a list; the header `Link` leads to the next.
    pub(in crate::http) fn pages<T: ToSchema, Q: IntoParams>(self, what: &str) -> Self {
        let mut op = self.query::<Q>().lists::<T>(what);
        let link = HeaderBuilder::new()
            .schema(text(None))
            .description(Some("`<...>; rel=\"next\"` where more follows"));
        if let Some((_, answer)) = op.answers.last_mut() {
            answer.headers.insert("Link".into(), link.build());
        }
        op
    }

    /// Server-sent events.
    pub(in crate::http) fn streams(mut self, what: &str) -> Self {
        let content = ContentBuilder::new().schema(Some(text(None))).build();
        let answer = ResponseBuilder::new().description(what).content("text/event-stream", content);
        self.answers.push((200, answer.build()));
        self
    }

    pub(in crate::http) fn empties(mut self, what: &str) -> Self {
        self.answers.push((204, ResponseBuilder::new().description(what).build()));
        self
    }

    pub(in crate::http) fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    fn acts(&self) -> bool {
        self.method == HttpMethod::Post
    }

    /// What else it may answer, each a [`super::super::error::Problem`].
    fn problems(&self) -> Vec<(u16, &'static str)> {
        let mut all = vec![
            (400, "The request was not understood"),
            (429, "Too many attempts from this source"),
            (503, "More to do than can be taken; nothing was changed, ask again"),
        ];
        if self.access != Access::Anyone {
            all.push((401, "No token and no session, or one that is not known"));
            all.push((403, "The token lacks the scope, or the request came from another site"));
        }
        all.push((404, "There is none"));
        if !matches!(self.method, HttpMethod::Get) {
            all.push((409, "It was understood and cannot be done now; the detail says why"));
            all.push((413, "The body is too long"));
            all.push((415, "The body is not application/json"));
        }
        all.push((422, "A field does not fit; the detail says which"));
        all
    }

    fn operation(self) -> (&'static str, HttpMethod, OperationBuilder, Parts) {
        let mut responses: BTreeMap<u16, Response> = self
            .problems()
            .into_iter()
            .map(|(status, what)| {
                let content = Content::new(Some(Ref::from_schema_name("Problem")));
                let answer = ResponseBuilder::new().description(what).content(PROBLEM, content);
                (status, answer.build())
            })
            .collect();
        let acts = self.acts();
        responses.extend(self.answers);
        let mut operation = OperationBuilder::new()
            .operation_id(Some(self.id))
            .summary(Some(self.summary))
            .tag(tag(self.path))
            .securities(Some(self.access.requirements()));
        for name in in_braces(self.path) {
            let parameter = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(path_schema(name)));
            operation = operation.parameter(parameter);
        }
        for parameter in self.parameters {
            operation = operation.parameter(parameter);
        }
        if acts {
            operation = operation.parameter(idempotency_key());
        }
        if let Some(body) = self.body {
            let body = RequestBodyBuilder::new()
                .required(Some(Required::True))
                .content(JSON, Content::new(Some(body)));
            operation = operation.request_body(Some(body.build()));
        }
        for (status, response) in responses {
            operation = operation.response(status.to_string(), response);
        }
        let parts = Parts { access: self.access, schemas: self.schemas, secret: self.secret };
        (self.path, self.method, operation, parts)
    }
}

struct Parts {
    access: Access,
    schemas: Vec<(String, RefOr<Schema>)>,
    secret: bool,
}

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// The API as it grows: routes and document side by side.
pub(in crate::http) struct Api {
    web: Shared,
    router: Router<Shared>,
    paths: Paths,
    components: ComponentsBuilder,
}

impl Api {
    pub(super) fn new(web: Shared) -> Self {
        let components = ComponentsBuilder::new();
        Self { web, router: Router::new(), paths: Paths::new(), components }
    }

    pub(in crate::http) fn on<H, T>(self, op: Op, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        let (path, method, operation, Parts { access, schemas, secret }) = op.operation();
        let filter = match method {
            HttpMethod::Post => MethodFilter::POST,
            HttpMethod::Put => MethodFilter::PUT,
            HttpMethod::Delete => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        let gate = Gate { web: self.web.clone(), access, secret };
        let route = axum::routing::on(filter, handler);
        let route = route.route_layer(from_fn_with_state(gate, gate::gate));
        let Self { web, router, mut paths, mut components } = self;
        paths.add_path_operation(path, vec![method], operation.build());
        for (name, schema) in schemas {
            components = components.schema(name, schema);
        }
        Self { web, router: router.route(path, route), paths, components }
    }

    pub(super) fn parts(self) -> (Router<Shared>, Paths, Components) {
        (self.router, self.paths, self.components.build())
    }
}

/// The word behind `/api/v1/`.
fn tag(path: &str) -> &str {
    path.split('/').nth(3).unwrap_or_default()
}

fn in_braces(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn path_schema(name: &str) -> Schema {
    let object = match name {
        "lane" | "zone" | "device" => text(Some(TEXT_ID)),
        "day" => ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .build(),
        _ => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(1))
            .build(),
    };
    object.into()
}

/// See [`crate::types::ids::TEXT_ID_RULE`].
pub(super) const TEXT_ID: &str = "^[a-z0-9-]{1,32}$";

pub(super) fn text(pattern: Option<&str>) -> utoipa::openapi::Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(pattern).build()
}

fn idempotency_key() -> Parameter {
    let about = "The same key with the same request is answered the same for a day and done once. \
                 With another request: 422.";
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(text(Some("^[!-~]{1,128}$"))))
        .build()
}
