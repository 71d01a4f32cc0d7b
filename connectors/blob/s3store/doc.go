// Package s3store keeps objects on S3 and on servers that speak its protocol:
// the blob.Store of a bucket, and what data needs beyond it: ranges of an object,
// listings by folder, uploads of files, copies made by the server.
//
// Its one idea: an object is replaced as a whole, by one request, or not at all.
// Whoever reads one in pieces names the version it began with (its ETag), so
// that pieces of two versions never meet.
//
//   - O1: Put, PutIfAbsent, Upload and Copy show readers the old object or the
//     whole new one; what they sent is checked by the server against a checksum.
//   - O2: PutIfAbsent has one winner per key. A winner whose answer was lost
//     finds out that it won: each call leaves a mark of its own.
//   - O3: bytes of an Object all come of the version that was opened, or
//     reading fails with Changed.
//   - O4: every request is tried again a bounded number of times, and a server
//     that falls silent is given up after a bounded time.
//   - O5: no error holds a key of AWS, a signature or a token.
//   - O6: an answer that contradicts itself, or what was asked, is an error:
//     never fewer bytes, fewer keys or keys of others.
//
// It knows no formats and no tables.
package s3store
