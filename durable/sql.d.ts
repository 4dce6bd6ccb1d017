/** Object migrations are imported as text: wrangler.toml has the rule. */
declare module "*.sql" {
  const script: string;
  export default script;
}
