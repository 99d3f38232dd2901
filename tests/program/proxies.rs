//! Whether a proxy is used, and what is said when one refuses. Real proxies are in `.ci/proxies.py`.

use crate::program::Program;
use crate::upstream::{StandIn, base};
use feedbridge::fetch::{Error, Http, Upstream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use url::Url;

/// Answers each request with `status`, whatever it is; its address with a user and a password.
async fn proxy(status: &'static str) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://me:secret@{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

async fn failure(proxy: &Url, host: &str) -> Error {
    Http::new(Some(proxy)).unwrap().get(&host.parse().unwrap(), "/s/kettle").await.unwrap_err()
}

#[tokio::test]
async fn a_proxy_that_refuses_its_user_is_a_way_that_fails_and_is_named_without_the_password() {
    // By RFC 9110, 15.5.8; the 401 is what tinyproxy says of a wrong password.
    for (status, host, said) in [
        ("407 Proxy Authentication Required", "http://127.0.0.1:9", "status 407"),
        ("401 Unauthorized", "http://127.0.0.1:9", "status 401"),
        ("407 Proxy Authentication Required", "https://t.me", "authorization required"),
        ("401 Unauthorized", "https://t.me", "tunnel"),
    ] {
        let proxy = proxy(status).await;
        let error = failure(&proxy, host).await;
        assert!(matches!(error, Error::Unreachable { .. }), "{status} for {host}: {error:?}");
        let text = error.to_string();
        let shown = format!("http://127.0.0.1:{}", proxy.port().unwrap());
        assert!(text.contains(said) && text.contains(&shown) && !text.contains("secret"), "{status}: {text}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    for scheme in ["socks5h", "socks4a", "http"] {
        let proxy = format!("{scheme}://me:secret@127.0.0.1:9").parse().unwrap();
        let error = failure(&proxy, "https://t.me").await.to_string();
        assert!(error.contains("t.me") && error.contains(&format!("{scheme}://127.0.0.1:9:")), "{error}");
        assert!(!error.contains("secret"), "{error}");
        assert!(error.contains("Connection refused"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_not_used() {
    let upstream = StandIn::with("kettle", 7);
    upstream.post("kettle", 1, "Cold", base());
    let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
    let nobody = "http://127.0.0.1:9";
    let names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let ran = program.run_in(&names.map(|name| (name, nobody)), &["fetch", "kettle"]);
    assert!(ran.code == 0 && ran.out.contains("Cold"), "{ran:?}");
}
