import { useState } from "react";
import { Button, Field, Input } from "../design/controls";
import { usePlayback } from "../playback-context";
import { keepAccessToken } from "../session/access-token";
import { openSession } from "../session/open-session";
import { apiOrigin } from "../session/session-links";
import { CassetteIcon } from "./emblem";
import styles from "./states.module.css";

/** A cluster that knows its users wants a token. It makes none itself: they come from the login that it trusts. */
export function SignIn({ why }: { readonly why: string }) {
  const playback = usePlayback();
  const [text, setText] = useState("");
  const token = text.trim();
  return (
    <div className={styles.full} role="alert">
      <CassetteIcon />
      <h2>Who are you?</h2>
      <p>{why} Paste the access token that your login gives you; it stays in this browser.</p>
      <form
        className={styles.signIn}
        onSubmit={(event) => {
          event.preventDefault();
          if (token === "") return;
          keepAccessToken(apiOrigin(), token);
          history.replaceState(null, "", location.pathname + location.search);
          void openSession(playback);
        }}
      >
        <Field text="Access token">
          {(id) => <Input id={id} type="password" value={text} onChange={({ target }) => setText(target.value)} />}
        </Field>
        <Button type="submit" variant="primary" disabled={token === ""}>
          Sign in
        </Button>
      </form>
    </div>
  );
}
