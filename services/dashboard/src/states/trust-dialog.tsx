import { Button } from "../design/controls";
import { Dialog } from "../design/dialog";
import styles from "./states.module.css";

interface TrustDialogProps {
  readonly api: string;
  readonly onTrust: () => void;
  readonly onRefuse: () => void;
}

/** Asks before anything is sent to a cluster that a link named. */
export function TrustDialog({ api, onTrust, onRefuse }: TrustDialogProps) {
  const { host } = new URL(api);
  return (
    <Dialog title={`Connect to ${host}?`} open onClose={onRefuse}>
      <div className={styles.trust}>
        <p>
          This page was served by <strong>{location.host}</strong>, but its address names another cluster:
        </p>
        <code>{api}</code>
        <p>
          If you connect, <strong>{host}</strong> receives your commands and the access token that you enter for it.
          Connect only if you know who runs it.
        </p>
        <div className={styles.actions}>
          <Button variant="primary" onClick={onRefuse}>
            Use {location.host}
          </Button>
          <Button variant="outlined" onClick={onTrust}>
            Trust {host} and connect
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
