//! One call of IDkollen's own client, by the words of the command line, at the
//! address in HANDSLAG_IDKOLLEN. Prints what the client made of the answer as one
//! line of JSON; a member that the client does not know is not in it.

use std::{env, time::Duration};

use idkollen_client::models::*;
use idkollen_client::*;
use serde_json::{json, Value};

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    println!("{}", call(&words));
}

fn call(words: &[&str]) -> Value {
    let var = |name: &str| env::var(name).expect(name);
    let client = IdkollenClientBuilder::new(var("HANDSLAG_IDKOLLEN_ID"), var("HANDSLAG_IDKOLLEN_SECRET"))
        .base_url(var("HANDSLAG_IDKOLLEN"))
        .build_blocking()
        .expect("client");
    let at = client.bankid_se();
    let person = |s: &str| Pno::parse(s).expect("personal number");
    let by = |s: &str| if s == "USER" { CallInitiator::User } else { CallInitiator::Rp };
    let patience = PollOptions { interval: Duration::from_secs(1), timeout: Duration::from_secs(20) };
    match words {
        ["auth", ssn, intent, company] => told(at.auth(
            BankIdSeAuthRequest::new()
                .ssn(person(ssn))
                .ip_address(IpAddress::parse("192.0.2.1").expect("address"))
                .intent(*intent)
                .org_number(OrgNumber::parse(company).expect("company"))
                .request_address(true)
                .ref_id("reference"),
        )),
        ["auth"] => told(at.auth(BankIdSeAuthRequest::new())),
        ["sign", ssn, text, digest] => told(at.sign(
            BankIdSeSignRequest::new(*text)
                .ssn(person(ssn))
                .digest(*digest)
                .pin_required(true)
                .ref_id("reference"),
        )),
        ["phone-auth", ssn, who] => told(at.phone_auth(BankIdSePhoneAuthRequest::new(person(ssn), by(who)).intent("Why"))),
        ["phone-sign", ssn, who, text] => told(at.phone_sign(BankIdSePhoneSignRequest::new(person(ssn), by(who), *text))),
        ["auth-status", id] => told(at.auth_status(id)),
        ["sign-status", id] => told(at.sign_status(id)),
        ["wait-auth", id] => waited(at.wait_for_auth(id, patience)),
        ["wait-sign", id] => waited(at.wait_for_sign(id, patience)),
        ["cancel-auth", id] => done(at.cancel_auth(id)),
        ["cancel-sign", id] => done(at.cancel_sign(id)),
        _ => panic!("no such call"),
    }
}

fn told(answer: Result<BankIdSeStatus, IdkollenError>) -> Value {
    match answer {
        Ok(BankIdSeStatus::Pending(p)) => json!({
            "status": "pending", "id": p.id, "refId": p.ref_id, "hintCode": p.hint_code,
            "autoStartToken": p.auto_start_token, "qrStartToken": p.qr_start_token, "qrStartSecret": p.qr_start_secret,
        }),
        Ok(BankIdSeStatus::Completed(c)) => json!({
            "status": "completed", "id": c.id, "refId": c.ref_id, "ssn": c.ssn.as_str(), "name": c.name,
            "givenName": c.given_name, "surname": c.surname, "certStartDate": c.cert_start_date.map(|d| d.to_string()),
            "address": c.address, "companySignatoryText": c.company_signatory_text,
        }),
        Ok(BankIdSeStatus::Failed(f)) => json!({
            "status": "failed", "id": f.id, "refId": f.ref_id, "error": format!("{:?}", f.error),
        }),
        Ok(_) => json!({"status": "unknown"}),
        Err(e) => refused(e),
    }
}

fn waited(answer: Result<BankIdSeStatus, WaitError>) -> Value {
    match answer {
        Ok(status) => told(Ok(status)),
        Err(WaitError::Client(e)) => refused(e),
        Err(e) => json!({"status": "refused", "kind": e.to_string()}),
    }
}

fn done(answer: Result<(), IdkollenError>) -> Value {
    answer.map_or_else(refused, |()| json!({"status": "done"}))
}

fn refused(e: IdkollenError) -> Value {
    match e {
        IdkollenError::Api { status, message } => json!({"status": "refused", "kind": "api", "code": status.to_string(), "message": message}),
        IdkollenError::Deserialization(e) => json!({"status": "refused", "kind": "unreadable", "message": e.to_string()}),
        e => json!({"status": "refused", "kind": "http", "message": e.to_string()}),
    }
}
