//! What a store of media promises: in a directory, and in a bucket of a server that speaks S3.

use std::{fs, net::IpAddr, path::PathBuf, sync::Arc};

use chrono::DateTime;
use feedbridge::{
    fetch::{FileError, Files, Resolver},
    media::{Digest, Entry, Objects, Place},
};
use futures_util::TryStreamExt;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use object_store::aws::AmazonS3Builder;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A store, and a folder for files on their way there.
struct House {
    objects: Objects,
    folder: TempDir,
}

impl House {
    fn in_a_directory() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { objects: Objects::open(&Place::Directory(folder.path().join("media"))).unwrap(), folder }
    }

    async fn in_a_bucket() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("server/files")).unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path().join("server")).unwrap());
        service.set_auth(SimpleAuth::from_single("key", "secret"));
        let service = service.build().into_shared();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        let store = AmazonS3Builder::new()
            .with_bucket_name("files")
            .with_endpoint(endpoint)
            .with_allow_http(true)
            .with_disable_bulk_delete(true)
            .with_access_key_id("key")
            .with_secret_access_key("secret")
            .build()
            .unwrap();
        Self { objects: Objects::over(Arc::new(store), "deep/down"), folder }
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("on its way");
        fs::write(&path, bytes).unwrap();
        path
    }

    async fn keep(&self, name: &str, bytes: &[u8]) -> Digest {
        let digest = Digest(name.to_owned());
        self.objects.keep(&digest, bytes.len() as u64, &self.file(bytes)).await.unwrap();
        digest
    }

    async fn read(&self, digest: &Digest, range: std::ops::Range<u64>) -> Vec<u8> {
        let pieces: Vec<_> = self.objects.read(digest, range).await.unwrap().try_collect().await.unwrap();
        pieces.concat()
    }
}

macro_rules! kept_by_every_store {
    ($($promise:ident),+ $(,)?) => {
        mod in_a_directory {
            $(#[tokio::test] async fn $promise() {
                super::$promise(super::House::in_a_directory()).await;
            })+
        }
        mod in_a_bucket {
            $(#[tokio::test] async fn $promise() {
                super::$promise(super::House::in_a_bucket().await).await;
            })+
        }
    };
}

kept_by_every_store! {
    a_file_is_read_back_whole_and_in_parts,
    a_file_of_many_parts_is_whole,
    a_place_leads_to_its_entry_and_to_the_last_one_given,
    equal_files_lie_there_once,
    what_is_not_there_is_none_and_may_be_removed,
    what_is_there_is_listed,
}

async fn a_file_is_read_back_whole_and_in_parts(house: House) {
    let digest = house.keep("aa11", b"Assam and Darjeeling").await;
    assert_eq!(house.read(&digest, 0..20).await, b"Assam and Darjeeling");
    assert_eq!(house.read(&digest, 6..9).await, b"and");
    assert_eq!(house.read(&digest, 19..20).await, b"g");
    assert_eq!(house.objects.length(&digest).await.unwrap(), Some(20));
}

async fn a_file_of_many_parts_is_whole(house: House) {
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|n| (n % 249) as u8).collect();
    let digest = house.keep("bb22", &bytes).await;
    assert_eq!(house.objects.length(&digest).await.unwrap(), Some(bytes.len() as u64));
    assert_eq!(house.read(&digest, 0..bytes.len() as u64).await, bytes);
    assert_eq!(house.read(&digest, 9_999_990..10_000_010).await, bytes[9_999_990..10_000_010]);
}

async fn a_place_leads_to_its_entry_and_to_the_last_one_given(house: House) {
    let entry = |digest: &str, length| Entry {
        digest: Digest(digest.to_owned()),
        length,
        mime: "image/jpeg".to_owned(),
        stored: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
    };
    assert_eq!(house.objects.entry("kettle/1/1.jpg").await.unwrap(), None);
    house.objects.enter("kettle/1/1.jpg", &entry("aa", 1)).await.unwrap();
    house.objects.enter("kettle/1/1.jpg", &entry("bb", 2)).await.unwrap();
    house.objects.enter("kettle/10/1.jpg", &entry("cc", 3)).await.unwrap();
    assert_eq!(house.objects.entry("kettle/1/1.jpg").await.unwrap(), Some(entry("bb", 2)));
    let mut places = house.objects.places().await.unwrap();
    places.sort();
    assert_eq!(places, ["kettle/1/1.jpg", "kettle/10/1.jpg"]);
}

async fn equal_files_lie_there_once(house: House) {
    for _ in 0..3 {
        house.keep("cc33", b"tea").await;
    }
    let files = house.objects.files().await.unwrap();
    assert_eq!(files.iter().map(|file| (file.digest.0.as_str(), file.length)).collect::<Vec<_>>(), [("cc33", 3)]);
}

async fn what_is_not_there_is_none_and_may_be_removed(house: House) {
    let digest = Digest("dd44".to_owned());
    assert_eq!(house.objects.length(&digest).await.unwrap(), None);
    assert!(house.objects.read(&digest, 0..1).await.is_err());
    house.objects.remove(&digest).await.unwrap();
    let digest = house.keep("dd44", b"tea").await;
    house.objects.remove(&digest).await.unwrap();
    assert_eq!(house.objects.length(&digest).await.unwrap(), None);
}

async fn what_is_there_is_listed(house: House) {
    assert!(house.objects.files().await.unwrap().is_empty() && house.objects.places().await.unwrap().is_empty());
    for number in 0..30 {
        house.keep(&format!("{number:02}ee"), &vec![7; number + 1]).await;
    }
    let mut files = house.objects.files().await.unwrap();
    files.sort_by(|a, b| a.digest.cmp(&b.digest));
    assert_eq!(files.len(), 30);
    assert!(files.iter().enumerate().all(|(number, file)| file.length == number as u64 + 1));
}

#[tokio::test]
async fn a_name_that_leads_into_a_private_network_is_not_dialled() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://cdn.example:{}/1.jpg", listener.local_addr().unwrap().port());
    for private in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1"] {
        let address: IpAddr = private.parse().unwrap();
        let files = Files::new(&[], false, &(Arc::new(move |_: &str| Ok(vec![address])) as Resolver)).unwrap();
        let refused = files.look(&url).await;
        assert!(matches!(refused, Err(FileError::Refused(_))), "{private}: {refused:?}");
    }
    let nobody = tokio::time::timeout(std::time::Duration::ZERO, listener.accept()).await;
    assert!(nobody.is_err(), "somebody was dialled");
}
