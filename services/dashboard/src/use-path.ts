import { useEffect, useState } from "react";

/** The page's path, and the way to another one without loading the page again. The query stays. */
export function usePath(): readonly [path: string, go: (path: string) => void] {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const moved = () => setPath(location.pathname);
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);
  const go = (to: string) => {
    history.pushState(null, "", `${to}${location.search}`);
    setPath(to);
  };
  return [path, go];
}
