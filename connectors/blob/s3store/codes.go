package s3store

import "github.com/featurehost/featurehost/host/fault"

// The codes of this room.
const (
	// BadPath is a path that names no bucket.
	BadPath fault.Code = 7600
	// NoBucket is a bucket that does not exist.
	NoBucket fault.Code = 7601
	// Denied is a request that the credentials do not allow.
	Denied fault.Code = 7602
	// Credentials are absent, expired or unknown to the server.
	Credentials fault.Code = 7603
	// WrongRegion is a bucket of another region than the one asked.
	WrongRegion fault.Code = 7604
	// Throttled is a server that asks for fewer requests.
	Throttled fault.Code = 7605
	// Away is a server that does not answer.
	Away fault.Code = 7606
	// Changed is an object that was replaced while it was read.
	Changed fault.Code = 7607
	// Refused is any other refusal, an absent object among them.
	Refused fault.Code = 7608
	// NotStored is an upload that did not arrive as it was sent.
	NotStored fault.Code = 7609
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadPath, Title: "no path of S3", Explain: "A path on S3 is s3://bucket/key: the name of a bucket, then the parts of a key, none of them empty, \".\" or \"..\". Correct the path."},
		{Code: NoBucket, Title: "no such bucket", Explain: "The server has no bucket of that name. Correct the path, or the endpoint: a bucket of another provider is reached by `s3 = { endpoint = \"...\" }`. featurehost makes no buckets."},
		{Code: Denied, Title: "access denied on S3", Explain: "The credentials are known and do not allow the request that the message names. Give them the actions that docs/connectors/s3.md lists. S3 also answers so for an absent object when s3:ListBucket is not allowed."},
		{Code: Credentials, Title: "no valid credentials for S3", Explain: "No credentials were found, or the server does not know them, or they have expired. They come from the standard chain of AWS: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the shared files with AWS_PROFILE, a web identity, the role of the container or machine. Renew them and run again."},
		{Code: WrongRegion, Title: "bucket of another region", Explain: "The bucket is kept in another region than the request was made for, or no region is known. Set `s3 = { region = \"...\" }` or AWS_REGION to the bucket's region."},
		{Code: Throttled, Title: "too many requests to S3", Explain: "The server asked again and again for fewer requests (SlowDown). Run again later, with fewer runs at a time on the same prefix."},
		{Code: Away, Title: "S3 does not answer", Explain: "The server could not be reached, cut the connection, or was silent for too long, and trying again did not help. Check the endpoint, the network and the server; then run again."},
		{Code: Changed, Title: "object replaced while it was read", Explain: "Someone replaced an object between two reads of it. Nothing of the two versions was mixed. Run again."},
		{Code: Refused, Title: "S3 refused a request", Explain: "The server refused a request for the reason in the message, for example because there is no such object; or its answer makes no sense, as that of a gateway that does not tell how long an object is. Correct what the message names, or use an endpoint that answers as S3 does."},
		{Code: NotStored, Title: "upload did not arrive", Explain: "What the server stores is not what was sent, by its size or its checksum, or a file changed while it was sent. Nothing was published. Run again; if it happens twice, look at what lies between here and the server."},
	}
}
