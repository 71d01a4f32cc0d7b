"""Runs SQL statements in Spark and prints the rows of each as JSON lines.

Arguments: the folder with the jars of the S3 client, then the statements. The
metastore and the S3 server are those of the environment.
"""
import glob
import json
import os
import sys

from pyspark.sql import SparkSession

jars = [
    jar
    for pattern in ("hadoop-aws-*", "*-2.29.52", "eventstream-*", "reactive-streams-*")
    for jar in glob.glob(os.path.join(sys.argv[1], pattern + ".jar"))
]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.driver.memory", "1g")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.extraClassPath", ":".join(jars))
    .config("spark.sql.shuffle.partitions", "4")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.warehouse.dir", os.path.join(os.getcwd(), "warehouse"))
    .config("spark.hadoop.hive.metastore.uris", "thrift://" + os.environ["FEATUREHOST_METASTORE"])
    .config("spark.hadoop.fs.s3.impl", "org.apache.hadoop.fs.s3a.S3AFileSystem")
    .config("spark.hadoop.fs.s3a.endpoint", os.environ["FEATUREHOST_S3_ENDPOINT"])
    .config("spark.hadoop.fs.s3a.endpoint.region", "us-east-1")
    .config("spark.hadoop.fs.s3a.path.style.access", "true")
    .config("spark.hadoop.fs.s3a.connection.ssl.enabled", "false")
    .config("spark.hadoop.fs.s3a.aws.credentials.provider", "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider")
    .config("spark.hadoop.fs.s3a.access.key", os.environ["FEATUREHOST_S3_ACCESS_KEY"])
    .config("spark.hadoop.fs.s3a.secret.key", os.environ["FEATUREHOST_S3_SECRET_KEY"])
    .enableHiveSupport()
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
for statement in sys.argv[2:]:
    for row in spark.sql(statement).collect():
        print(json.dumps(row.asDict(), default=str), flush=True)
spark.stop()
