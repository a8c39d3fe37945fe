import { Button } from "../design/controls";
import { Dialog } from "../design/dialog";
import styles from "./states.module.css";

interface TrustDialogProps {
  readonly api: string;
  readonly onTrust: () => void;
  readonly onRefuse: () => void;
}

/** Before anything goes to a cluster that a link has named. */
export function TrustDialog({ api, onTrust, onRefuse }: TrustDialogProps) {
  const { host } = new URL(api);
  return (
    <Dialog title={`Connect to ${host}?`} open onClose={onRefuse}>
      <div className={styles.trust}>
        <p>
          This page came from <strong>{location.host}</strong>, and its address names another cluster:
        </p>
        <code>{api}</code>
        <p>
          What you do here, and the access token that you give for it, would go to <strong>{host}</strong>. Connect only
          if you know who runs it.
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
