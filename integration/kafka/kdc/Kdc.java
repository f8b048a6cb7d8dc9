import java.io.File;
import java.nio.file.Path;

import org.apache.kerby.kerberos.kerb.client.KrbClient;
import org.apache.kerby.kerberos.kerb.server.SimpleKdcServer;

/**
 * A key distribution centre on loopback for the length of a test. Its arguments are
 * a directory, a realm, a port, and principals: the keytab of the first is
 * DIRECTORY/0.keytab, and a ticket that it was given is in DIRECTORY/0.ccache.
 */
public final class Kdc {
    private Kdc() {
    }

    public static void main(String[] args) throws Exception {
        Path dir = Path.of(args[0]);
        SimpleKdcServer kdc = new SimpleKdcServer();
        kdc.setWorkDir(dir.toFile());
        kdc.setKdcRealm(args[1]);
        kdc.setKdcHost("127.0.0.1");
        kdc.setKdcTcpPort(Integer.parseInt(args[2]));
        kdc.setAllowUdp(false);
        kdc.init();
        for (int i = 3; i < args.length; i++) {
            kdc.createPrincipal(args[i]);
            kdc.exportPrincipal(args[i], dir.resolve((i - 3) + ".keytab").toFile());
        }
        kdc.start();
        KrbClient client = kdc.getKrbClient();
        for (int i = 3; i < args.length; i++) {
            File keytab = dir.resolve((i - 3) + ".keytab").toFile();
            client.storeTicket(client.requestTgt(args[i], keytab), dir.resolve((i - 3) + ".ccache").toFile());
        }
        dir.resolve("ready").toFile().createNewFile();
        Thread.currentThread().join();
    }
}
