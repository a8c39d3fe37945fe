import { useState } from "react";
import { Button } from "../design/controls";
import { Dialog } from "../design/dialog";
import { Report } from "./trade-report";

/** Leads to what the session's user has done in simulated markets. */
export function ReportButton() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>Report</Button>
      <Dialog title="Trade report" open={open} onClose={() => setOpen(false)}>
        <Report />
      </Dialog>
    </>
  );
}
