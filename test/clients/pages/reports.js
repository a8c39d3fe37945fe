// Lists the reports by name.
import { call, signed, signIn } from "./old-page.js";

await signIn();
const { reports } = await call("GET", "/reports", { headers: signed() });
document.title = reports.length === 0 ? "No reports" : reports.map(({ name }) => name).join(", ");
