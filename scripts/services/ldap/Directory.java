import com.unboundid.ldap.listener.InMemoryDirectoryServer;
import com.unboundid.ldap.listener.InMemoryDirectoryServerConfig;
import com.unboundid.ldap.listener.InMemoryListenerConfig;
import java.net.InetAddress;

/** A directory in memory on the loopback address: Directory PORT BASE LDIF. */
public class Directory {
  public static void main(String[] arguments) throws Exception {
    InMemoryDirectoryServerConfig config = new InMemoryDirectoryServerConfig(arguments[1]);
    config.setSchema(null);
    config.setListenerConfigs(InMemoryListenerConfig.createLDAPConfig(
        "loopback", InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0]), null));
    InMemoryDirectoryServer directory = new InMemoryDirectoryServer(config);
    directory.importFromLDIF(true, arguments[2]);
    directory.startListening();
  }
}
