// A company's login of a test's own: oidc-provider, with its own pages to sign in and to consent.
// `node oidc_provider.mjs NPM ISSUER REDIRECT_URI`. Everybody is let in; GROUPS says who is where.
const [npm, issuer, redirectUri] = process.argv.slice(2);
const { Provider } = await import(`${npm}/node_modules/oidc-provider/lib/index.js`);

const GROUPS = { ann: ["chat", "ops"], bob: ["chat"], eve: ["sales"] };

const provider = new Provider(issuer, {
  clients: [{ client_id: "chatapp", client_secret: "the-secret", redirect_uris: [redirectUri] }],
  pkce: { required: () => true },
  scopes: ["openid", "groups"],
  claims: { openid: ["sub"], groups: ["groups"] },
  cookies: { keys: ["a key of the test's"] },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, groups: GROUPS[id] ?? [] }) }),
});

provider.listen(Number(new URL(issuer).port), "127.0.0.1", () => console.log("ready"));
