/** The part of s3rver's own store that `s3-server.ts` patches; its types omit it. */
declare module "s3rver/lib/stores/filesystem.js" {
  interface Written {
    readonly size: number;
    readonly md5: string;
  }
  class FilesystemStore {
    getResourcePath(bucket: string, key: string, resource: "object"): string;
    putObject(object: { readonly bucket: string; readonly key: string }): Promise<Written>;
  }
  export = FilesystemStore;
}
