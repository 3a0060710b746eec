/* The program that `sighook list` starts for a library to be loaded into. Nothing of it runs: the agent ends the process. */
int main(void)
{
  return 1;
}
