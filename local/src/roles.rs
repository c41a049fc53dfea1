//! What the roles of the template let each function do with the table. AWS enforces them, with the leading keys (the partitions)
//! that they name. The embedded DynamoDB knows no roles, and MiniStack no leading keys, so the functions' clients do it here.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use serde_json::Value;

const TEMPLATE: &str = include_str!("../../template.yaml");
/// The condition under which a statement allows some partitions only.
const LEADING_KEYS: &str = "/Condition/ForAllValues:StringLike/dynamodb:LeadingKeys";

/// The statements of the role of each function.
static ROLES: LazyLock<BTreeMap<String, Vec<Value>>> = LazyLock::new(|| {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap_or_default();
    let functions = template["Resources"].as_object().into_iter().flatten();
    let functions = functions.filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function");
    functions.map(|(name, function)| (name.clone(), statements(&template, &function["Properties"]["Role"]))).collect()
});
/// The calls that were refused.
static REFUSED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The client as a function of the template has it: a call that the function's role does not allow fails.
pub fn of_function(client: &Client, function: &'static str) -> Client {
    Client::from_conf(client.config().to_builder().interceptor(Role(function)).build())
}

/// The calls that were refused in this process, each in a sentence.
pub fn refused() -> Vec<String> {
    REFUSED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Of the function with this name.
#[derive(Debug)]
struct Role(&'static str);

impl Intercept for Role {
    fn name(&self) -> &'static str {
        "Role"
    }

    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default())?;
        let statements = ROLES.get(self.0).map(Vec::as_slice).unwrap_or_default();
        for access in accesses(operation, &body) {
            if !statements.iter().any(|statement| allows(statement, &access)) {
                let refusal = format!("the role of {} in template.yaml does not allow {access:?}", self.0);
                REFUSED.lock().unwrap_or_else(PoisonError::into_inner).push(refusal.clone());
                return Err(refusal.into());
            }
        }
        Ok(())
    }
}

/// What a role must allow.
#[derive(Debug, PartialEq, Eq)]
struct Access {
    action: String,
    resource: String,
    /// The partitions, or of an index its partition.
    leading_keys: Vec<String>,
}

/// What IAM makes of a request. A transaction is authorized write by write.
fn accesses(operation: &str, request: &Value) -> Vec<Access> {
    let key = |part: &Value| {
        let pk = ["/Key/pk/S", "/Item/pk/S", "/pk/S"].iter().find_map(|at| part.pointer(at)?.as_str());
        pk.unwrap_or_default().to_owned()
    };
    let on_table = |action: &str, leading_keys| Access {
        action: format!("dynamodb:{action}"),
        resource: "Table.Arn".to_owned(),
        leading_keys,
    };
    match operation {
        "TransactWriteItems" => {
            let writes = request["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object);
            let writes = writes.flatten().map(|(kind, write)| {
                let action = if kind == "ConditionCheck" { "ConditionCheckItem" } else { &format!("{kind}Item") };
                on_table(action, vec![key(write)])
            });
            writes.collect()
        }
        "BatchGetItem" => {
            let tables = request["RequestItems"].as_object().into_iter().flatten();
            let keys = tables.flat_map(|(_, of_table)| of_table["Keys"].as_array().into_iter().flatten());
            vec![on_table(operation, keys.map(key).collect())]
        }
        "Query" => {
            // `pk = :pk AND …`
            let name = request["KeyConditionExpression"].as_str().unwrap_or_default().split(' ').nth(2);
            let value = &request["ExpressionAttributeValues"][name.unwrap_or_default()]["S"];
            let access = on_table(operation, value.as_str().map(str::to_owned).into_iter().collect());
            match request["IndexName"].as_str() {
                Some(index) => vec![Access { resource: format!("${{Table.Arn}}/index/{index}"), ..access }],
                None => vec![access],
            }
        }
        _ => vec![on_table(operation, vec![key(request)])],
    }
}

/// Whether a statement allows this. A condition that is not known here allows nothing.
fn allows(statement: &Value, access: &Access) -> bool {
    let has = |member: &str, value: &str| listed(&statement[member]).any(|known| known == value);
    let within = match (statement.get("Condition"), statement.pointer(LEADING_KEYS)) {
        (None, _) => true,
        (Some(_), Some(patterns)) => {
            access.leading_keys.iter().all(|key| listed(patterns).any(|pattern| is_like(pattern, key)))
        }
        (Some(_), None) => false,
    };
    statement["Effect"] == "Allow" && has("Action", &access.action) && has("Resource", &access.resource) && within
}

/// `StringLike` with one asterisk, at the end.
fn is_like(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |prefix| text.starts_with(prefix))
}

/// The statements of a role's own policies, and of those of the template that it names.
fn statements(template: &Value, role: &Value) -> Vec<Value> {
    let name = role.as_str().and_then(|role| role.strip_suffix(".Arn")).unwrap_or_default();
    let role = &template["Resources"][name]["Properties"];
    let own = role["Policies"].as_array().into_iter().flatten();
    let named = listed(&role["ManagedPolicyArns"]).map(|policy| &template["Resources"][policy]["Properties"]);
    own.chain(named)
        .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().into_iter().flatten())
        .cloned()
        .collect()
}

/// A list of texts, of which one may stand alone.
fn listed(value: &Value) -> impl Iterator<Item = &str> {
    let alone = value.as_str().into_iter();
    alone.chain(value.as_array().into_iter().flatten().filter_map(Value::as_str))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn may(condition: &Value, operation: &str, request: &Value) -> bool {
        let mut statement = json!({
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:BatchGetItem"],
            "Resource": "Table.Arn",
        });
        if !condition.is_null() {
            statement["Condition"] = condition.clone();
        }
        accesses(operation, request).iter().all(|access| allows(&statement, access))
    }

    #[test]
    fn a_role_with_leading_keys_refuses_every_call_that_names_another_partition() {
        let inbox = json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["INBOX#*", "WARM"]}});
        let key = |pk: &str| json!({"pk": {"S": pk}, "sk": {"S": "X"}});
        let put = |pk: &str| json!({"Put": {"TableName": "T", "Item": key(pk)}});
        for (pk, allowed) in
            [("INBOX#meta#1", true), ("WARM", true), ("WARM#1", false), ("NUMBER#1", false), ("", false)]
        {
            assert_eq!(may(&inbox, "GetItem", &json!({"Key": key(pk)})), allowed, "{pk}");
            assert_eq!(may(&inbox, "PutItem", &json!({"Item": key(pk)})), allowed, "{pk}");
            assert_eq!(
                may(&inbox, "TransactWriteItems", &json!({"TransactItems": [put("INBOX#1"), put(pk)]})),
                allowed,
                "{pk}"
            );
            let batch = json!({"RequestItems": {"T": {"Keys": [key("INBOX#1"), key(pk)]}}});
            assert_eq!(may(&inbox, "BatchGetItem", &batch), allowed, "{pk}");
            assert!(!may(&inbox, "UpdateItem", &json!({"Key": key(pk)})), "{pk}: an action that is not allowed");
            assert!(may(&Value::Null, "GetItem", &json!({"Key": key(pk)})), "{pk}: without a condition");
            assert!(!may(&json!({"Null": {}}), "GetItem", &json!({"Key": key(pk)})), "{pk}: an unknown condition");
        }
        let delete = json!({"TransactItems": [{"Delete": {"Key": key("INBOX#1")}}]});
        assert!(!may(&inbox, "TransactWriteItems", &delete));
    }

    #[test]
    fn a_query_is_of_the_partition_that_it_names_and_of_its_index() {
        let query = |index: Option<&str>| {
            json!({
                "IndexName": index,
                "KeyConditionExpression": "pk = :pk AND begins_with(sk, :events)",
                "ExpressionAttributeValues": {":pk": {"S": "ONB#1"}, ":events": {"S": "EVT#"}},
            })
        };
        let found = accesses("Query", &query(None)).remove(0);
        assert_eq!((found.resource.as_str(), found.leading_keys), ("Table.Arn", vec!["ONB#1".to_owned()]));
        assert_eq!(accesses("Query", &query(Some("by_due"))).remove(0).resource, "${Table.Arn}/index/by_due");
    }
}
