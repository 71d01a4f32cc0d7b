import java.io.IOException;
import java.net.Socket;
import org.apache.hadoop.hive.metastore.HiveMetaStore;
import org.apache.hive.service.server.HiveServer2;

/** Runs the metastore, on the port given, and then HiveServer2 in one process: half the memory of two. */
public class Together {
  public static void main(String[] arguments) throws Exception {
    String port = arguments[0];
    Thread metastore = new Thread(() -> {
      try {
        HiveMetaStore.main(new String[] {"-p", port});
      } catch (Throwable failure) {
        failure.printStackTrace();
        System.exit(1);
      }
    });
    metastore.setDaemon(false);
    metastore.start();
    while (!answers(Integer.parseInt(port))) {
      Thread.sleep(50);
    }
    HiveServer2.main(new String[0]);
  }

  private static boolean answers(int port) {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      return true;
    } catch (IOException notYet) {
      return false;
    }
  }
}
